"""What only a comparison with Lever found, and how the comparisons go."""

from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from nomdecode.lever import connection as connections
from nomdecode.lever import deliveries, reach, reconcile, traffic
from nomdecode.lever.models import Connection, Reconciliation, Sweep
from nomdecode.lever.reach import Explained, Why
from nomdecode.orgs.roles import MemberRequest

PAGE = 50
WHYS = {  # pill, its word, and what there is to say beside it
    Why.LATER: ("quiet", "Came later", ""),
    Why.SOON: ("quiet", "Came", "Lever did not show the change yet when it was asked"),
    Why.NOT_LISTED: ("danger", "Not on", "Lever lists no webhook for it that comes here"),
    Why.NEVER: ("danger", "Perhaps not on", "None of this kind has come in 30 days"),
    Why.SIGNATURE: ("warn", "Perhaps not signed", "A request came whose signature fits no token"),
    Why.NONE: ("warn", "None came", ""),
}
OFTEN = {Sweep.DELETED: "daily", Sweep.OPEN: "every night"}


class SinceForm(forms.Form):
    since = forms.DateTimeField(
        label="Compare everything since",
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text="Empty: since the last comparison.",
        error_messages={"invalid": "This is no time, or one that the change of clocks leaves out."},
    )

    def clean_since(self) -> datetime | None:
        since: datetime | None = self.cleaned_data["since"]
        if since and since > timezone.now():
            raise forms.ValidationError("It lies in the future.")
        return since


@require_GET
def drift(request: MemberRequest) -> HttpResponse:
    return _page(request, SinceForm())


@require_POST
def compare(request: MemberRequest) -> HttpResponse:
    connection, form = connections.of(request.member.organisation), SinceForm(request.POST)
    if not form.is_valid():
        return _page(request, form, 422)
    since = form.cleaned_data["since"]
    for sweep in Sweep:
        earlier = since if sweep != Sweep.OPEN else None
        reconcile.begin(connection, sweep, reconcile.Why.ASKED, earlier)
    messages.success(request, "Lever is being compared.")
    return redirect("lever:drift")


def _page(request: MemberRequest, form: SinceForm, status: int = 200) -> HttpResponse:
    connection, now = connections.of(request.member.organisation), timezone.now()
    mends = connection.mends.select_related("opportunity__interview__candidate")
    page = Paginator(mends.order_by("-found_at", "-pk"), PAGE).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "page": page,
        "rows": [_row(each) for each in reach.explain(connection, page)],
        "reach": reach.of(connection, now),
        "comparisons": [_comparison(connection, sweep) for sweep in Sweep],
        "connection": connection,
    }
    return traffic.answer(request, "drift", context, status)


def _row(explained: Explained) -> dict[str, Any]:
    mend = explained.mend
    pill, word, more = WHYS[explained.why]
    if explained.why == Why.LATER and explained.delivery:
        late = (explained.delivery.received_at - mend.found_at).total_seconds()
        more = f"{deliveries.duration(late)} after the comparison"
    return {
        "mend": mend,
        "interview": mend.opportunity.interview,
        "after": deliveries.duration((mend.found_at - mend.happened_at).total_seconds()),
        "event": deliveries.EVENTS[reach.TELLS[mend.what][0]],
        "pill": pill,
        "why": word,
        "more": more,
    }


def _comparison(connection: Connection, sweep: Sweep) -> dict[str, Any]:
    """The last one of its kind, over or not."""
    rows = reconcile.of(connection).filter(sweep=sweep).order_by("-began_at")
    row: Reconciliation | None = rows.first()
    minutes = f"{settings.RECONCILE_MINUTES:g}"
    return {
        "name": sweep.label,
        "often": OFTEN.get(sweep, f"every {minutes} minutes"),
        "row": row,
        "of": row.total if row else None,
    }
