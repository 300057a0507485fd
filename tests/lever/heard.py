"""One connected organisation with profiles in the sandbox, and what was delivered of them."""

from datetime import datetime
from uuid import uuid4

from django.utils import timezone

import factories
from nomdecode.lever import marks
from nomdecode.lever.models import Delivery, Export
from nomdecode.orgs.models import Role
from nomdecode.pipeline.models import Opportunity
from sandbox import Running


class Heard:
    def __init__(self, lever: Running) -> None:
        self.lever = lever
        self.organisation = factories.organisation()
        self.connection = factories.connect(self.organisation, lever)
        self.token = self.connection.tokens.get()

    def heard(
        self,
        opportunity_id: str,
        event: str = "candidateStageChange",
        verdict: str = "waiting",
        at: datetime | None = None,
    ) -> Delivery:
        """As it is stored when it has been received."""
        now = timezone.now()
        delivery = Delivery.objects.create(
            connection=self.connection,
            signing_token=self.token,
            token=uuid4().hex,
            event=event,
            triggered_at=at or now,
            received_at=now,
            opportunity_id=opportunity_id,
            verdict=verdict,
        )
        marks.mark(self.connection, opportunity_id, now)
        return delivery

    def drain(self) -> None:
        marks.drain(self.connection.pk)

    def made_in_lever(self) -> str:
        """An opportunity that exists there, and is nobody's here yet."""
        return self.lever.post(
            "/opportunities", name="Copper Heron", stage="lead-new", sources=["Nom de Code"]
        )

    def register(self, opportunity_id: str) -> Opportunity:
        return factories.registered(self.organisation, opportunity_id)

    def ours(self) -> Opportunity:
        return self.register(self.made_in_lever())

    def exported(self) -> Opportunity:
        """Ours, made by an export to the present account."""
        opportunity = self.ours()
        Export.objects.create(
            interview=opportunity.interview,
            organisation=self.organisation,
            kind="named",
            state="exported",
            account=self.connection.account,
        )
        return opportunity

    def key_of(self, account: str) -> None:
        admin = self.organisation.members.get(role=Role.ADMIN)
        factories.set_key(self.connection, self.lever.keys[account], admin)

    def paths(self) -> list[str]:
        return [call["path"].removeprefix("/v1") for call in self.lever.log()]

    def move(self, opportunity: Opportunity, stage: str = "offer") -> None:
        self.lever.put(f"/opportunities/{opportunity.external_id}/stage", stage=stage)

    def reason(self, text: str) -> str:
        return self.lever.seeded.account("acme").reason(text).id

    def archive(self, opportunity: Opportunity, text: str | None) -> None:
        """For a reason; None: out of the archive."""
        reason = text and self.reason(text)
        self.lever.put(f"/opportunities/{opportunity.external_id}/archived", reason=reason)

    def delete(self, opportunity: Opportunity) -> None:
        self.lever.screen(f"{opportunity.external_id}/delete")
