import os

from sqlalchemy.engine import URL


def database_url() -> URL:
    """Put the URL together; DB_SOCKET is the directory (PostgreSQL) or file (MariaDB) of a socket."""
    driver = os.environ["DB_DRIVER"]
    socket = os.environ.get("DB_SOCKET")
    key = "host" if driver.startswith("postgresql") else "unix_socket"
    port = os.environ.get("DB_PORT")
    return URL.create(
        driver,
        username=os.environ.get("DB_USER") or None,
        password=os.environ.get("DB_PASSWORD") or None,
        host=os.environ.get("DB_HOST") or None,
        port=int(port) if port else None,
        database=os.environ["DB_NAME"],
        query={key: socket} if socket else {},
    )
