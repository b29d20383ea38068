import os

from sqlalchemy import create_engine


def make_engine():
    return create_engine(os.environ["DATABASE_URL"])
