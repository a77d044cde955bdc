"""The mark that shows a key beside what it does. Built into every template (see TEMPLATES in the settings)."""

from __future__ import annotations

from django import template
from django.template.context import Context
from django.utils.html import format_html

register = template.Library()


@register.simple_tag(takes_context=True)
def key(context: Context, action: str) -> str:
    """`action` is the standard key; shown is the person's own. Nothing where they switched single keys off."""
    if context.get("keys_off"):
        return ""
    own = context.get("own_keys") or {}
    return format_html("<kbd>{}</kbd>", own.get(action, action))
