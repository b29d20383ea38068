import os


class Settings:
    def __init__(self) -> None:
        self.database_url = os.environ.get("APP_DATABASE_URL", "sqlite:///development.db")
        self.debug = os.environ.get("APP_DEBUG") == "1"


settings = Settings()
