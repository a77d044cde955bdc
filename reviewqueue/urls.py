from django.urls import URLPattern, URLResolver, include, path

from reviewqueue.api.problems import api_or_page

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/", include("reviewqueue.api.urls")),
    path("", include("reviewqueue.web.urls")),
]

handler400 = api_or_page("bad_request", "django.views.defaults.bad_request")
handler403 = api_or_page("forbidden", "django.views.defaults.permission_denied")
handler404 = api_or_page("not_found", "django.views.defaults.page_not_found")
handler500 = api_or_page("internal_error", "reviewqueue.web.failures.server_error")
