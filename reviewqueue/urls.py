from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/", include("reviewqueue.api.urls")),
    path("", include("reviewqueue.web.urls")),
]
