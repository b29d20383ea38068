"""Settings that have to be configured before anything else, as the shop's own commands do."""


class Settings:
    def __init__(self) -> None:
        self._database_url = None

    @property
    def database_url(self) -> str:
        if self._database_url is None:
            raise RuntimeError("the shop's settings are not configured: call configure() first")
        return self._database_url

    def load(self, database_url: str) -> None:
        self._database_url = database_url


CONF = Settings()


def configure(config) -> None:
    """Load the settings from Alembic's Config."""
    CONF.load(config.get_main_option("sqlalchemy.url"))
