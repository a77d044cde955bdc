"""Logging in and out, and choosing a password."""

from __future__ import annotations

from typing import Any, Final, cast

from django import forms
from django.contrib import messages
from django.contrib.auth import password_validation
from django.contrib.auth.forms import PasswordChangeForm, SetPasswordForm
from django.contrib.auth.views import LoginView, LogoutView, PasswordChangeView, PasswordResetConfirmView
from django.http import HttpRequest, HttpResponse
from django.urls import reverse_lazy

from reviewqueue.accounts.models import User
from reviewqueue.accounts.services import set_password
from reviewqueue.web.access import View, form_page
from reviewqueue.web.key_actions import KeysShown

BACKEND: Final = "django.contrib.auth.backends.ModelBackend"


class LogIn(LoginView):
    template_name = "session/login.html"
    redirect_authenticated_user = True


class LogOut(LogoutView):
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = super().dispatch(request, *args, **kwargs)
        response.headers["Clear-Site-Data"] = '"cache"'
        return response


class _OnRecord:
    """A form of Django's that saves a password by way of the service, so that the change is in the ledger."""

    user: User
    cleaned_data: dict[str, Any]

    def save(self, commit: bool = True) -> User:  # noqa: ARG002  # as in Django
        set_password(user=self.user, password=self.cleaned_data["new_password1"])
        return self.user


class FirstPassword(_OnRecord, SetPasswordForm):  # type: ignore[type-arg]  # generic in the stubs alone
    pass


class NextPassword(_OnRecord, PasswordChangeForm):
    pass


RULES: Final = {"rules": password_validation.password_validators_help_texts}
"""What a password must be, said before it is typed."""


class ChoosePassword(PasswordResetConfirmView):
    """Behind a link of an administrator. Works once, for an account that is open; whoever uses it is logged in."""

    template_name = "session/choose_password.html"
    form_class = FirstPassword
    extra_context = RULES
    post_reset_login = True
    post_reset_login_backend = BACKEND
    success_url = reverse_lazy("web:home")

    def get_user(self, uidb64: str) -> User | None:
        user = super().get_user(uidb64)
        return user if isinstance(user, User) and user.is_active else None

    def render_to_response(self, context: dict[str, Any], **named: Any) -> HttpResponse:
        form: forms.Form | None = context.get("form")
        refused = form is None or bool(form.errors)
        return super().render_to_response(context, status=422 if refused else 200, **named)


class ChangePassword(PasswordChangeView):
    template_name = "session/change_password.html"
    form_class = NextPassword
    extra_context = RULES
    success_url = reverse_lazy("web:home")

    def get_context_data(self, **named: Any) -> dict[str, Any]:
        """With the keys that speak for this person: an administrator issued them."""
        return super().get_context_data(**named, keys=KeysShown.of(cast("User", self.request.user)))

    def form_valid(self, form: Any) -> HttpResponse:
        response = super().form_valid(form)
        messages.success(self.request, "Your password is changed. Other browsers are logged out.")
        return response

    def render_to_response(self, context: dict[str, Any], **named: Any) -> HttpResponse:
        return super().render_to_response(context, status=422 if context["form"].errors else 200, **named)


change_password = form_page(cast("View", ChangePassword.as_view()))
