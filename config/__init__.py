"""Django project: settings and URL roots."""
