import json
import os

SETTINGS = json.loads(os.environ["LIBRARY_CONFIG"])
DSN = SETTINGS["database"]["dsn"]
