"""The model of next year's sales, read in when this is imported."""

import os
import time

metadata = None

time.sleep(float(os.environ.get("MODEL_SECONDS", "2")))
