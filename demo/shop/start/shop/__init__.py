"""A small shop."""

import os

from flask import Flask

from shop.extensions import db, migrate


def create_app() -> Flask:
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = os.environ.get("DATABASE_URL", "sqlite:///shop.db")
    db.init_app(app)
    migrate.init_app(app, db)

    from shop import catalogue, sales  # noqa: F401

    return app
