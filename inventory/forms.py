"""What people may write about resources."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from inventory.models import ResourceNote, Tag


class TagForm(forms.ModelForm):
    class Meta:
        model = Tag
        fields = ["key", "value"]

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["key"].label, self.fields["value"].label = _("Key"), _("Value")

    def clean_key(self) -> str:
        key: str = self.cleaned_data["key"].strip()
        if "=" in key:
            raise forms.ValidationError(_("A key has no “=”."))
        return key


class NoteForm(forms.ModelForm):
    class Meta:
        model = ResourceNote
        fields = ["text"]
        widgets = {"text": forms.Textarea(attrs={"rows": 3})}

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["text"].label = _("Note")
