FLASK_APP=shop:create_app
SHOP_KEY=from .flaskenv
DATABASE_URL=sqlite:///not-this-one.db
