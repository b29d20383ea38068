import os

SERVICE_NAME = os.environ.get("SERVICE_NAME", "catalogue")
