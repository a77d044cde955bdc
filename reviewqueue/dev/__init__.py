"""The two commands of a developer: `manage.py up` and `manage.py test`. Nothing in production imports this package."""
