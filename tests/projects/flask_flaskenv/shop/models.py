from sqlalchemy import func

from shop.extensions import db


class User(db.Model):
    __tablename__ = "users"

    id = db.Column(db.Integer, primary_key=True)
    email = db.Column(db.String(255), nullable=False, unique=True, index=True)
    full_name = db.Column(db.String(120), nullable=False)
    display_name = db.Column(db.String(120))
    created_at = db.Column(db.DateTime, server_default=func.now(), nullable=False)


class Order(db.Model):
    __tablename__ = "orders"

    id = db.Column(db.Integer, primary_key=True)
    user_id = db.Column(db.Integer, db.ForeignKey("users.id"), nullable=False)
    status = db.Column(db.String(20), server_default="open", nullable=False, index=True)
    total = db.Column(db.Numeric(10, 2), nullable=False)
