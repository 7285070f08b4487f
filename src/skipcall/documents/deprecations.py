"""What still works and will not for ever. The header `Link` of an answer that used it leads here."""

from skipcall.documents.articles import Article, Entry, Section

ARTICLE = Article(
    title="Deprecations",
    introduction=(
        "What is listed here goes on working until this page names a date. An answer to a request that relied on it carries "
        'the headers `Deprecation` (RFC 9745: since when) and `Link` with `rel="deprecation"`, which leads here.'
    ),
    sections=(
        Section(
            title="In force",
            introduction="No date of removal is set for any of them; one will stand here six months before.",
            entries=(
                Entry(
                    anchor="custom-field-names",
                    title="Names of custom fields as keys in requests",
                    paragraphs=(
                        (
                            "Since 2026-01-01. In the body of `POST /v1/contacts`, `PATCH /v1/contacts/{id}`, "
                            "`POST /v1/contacts/upsert` and `POST /v1/contacts/batch`, a key of `customFields` that is no slug is taken as the exact name of a field."
                        ),
                        (
                            "Use the slug instead, which `GET /v1/custom-fields` answers: people may rename a field at any "
                            "time, and a request that names it by its old name is then refused with "
                            "[`UNKNOWN_CUSTOM_FIELD`](/docs/errors#UNKNOWN_CUSTOM_FIELD)."
                        ),
                        "Answers are keyed by name and stay so; `?customFieldKeys=slug` keys them by slug.",
                    ),
                ),
                Entry(
                    anchor="team-id",
                    title="`teamId` of statistics",
                    paragraphs=(
                        (
                            "A workspace was once called a team. The operations under `/v1/stats` take its id as `teamId` too, and "
                            "then answer `Deprecation: true`."
                        ),
                        "Use `workspaceId` instead. Both at once must not differ.",
                    ),
                ),
            ),
        ),
    ),
)
