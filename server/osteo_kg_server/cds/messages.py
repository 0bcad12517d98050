"""The words of cards, in both languages."""

from __future__ import annotations

from osteo_kg import BilingualText

TITLE = BilingualText("Osteoporosis treatment", "Traitement de l’ostéoporose")
DESCRIPTION = (
    "What guideline OIC-128-08-B recommends for post-menopausal women, why, and what is still missing; "
    "warns of orders outside its options. Not a medical device; not reviewed by a clinician."
)
NEEDS = "Send every prefetch: no FHIR server is called. Null means that the query found nothing."
NEEDS_OR_ACCESS = (
    "Send every prefetch, or access to a FHIR server that may be called. Null means that the query found nothing."
)
SUBJECT = BilingualText("Osteoporosis", "Ostéoporose")
ONGOING = BilingualText(
    "a treatment is ongoing, on hold or of unknown outcome", "traitement en cours, suspendu ou d’issue non renseignée"
)
NOT_DRAFTED = BilingualText("No draft order: ", "Prescriptions non proposées : ")
RECORD = BilingualText("The record as sent: ", "Le dossier tel que transmis : ")
EMPTY = BilingualText(
    "Searched, no data (unknown, not absent): ", "Recherché, aucune donnée (ne signifie pas « absent ») : "
)
#: What stands before the keys that are lacking, by the reason.
LACKING = {
    "NotSupplied": BilingualText("Not supplied: ", "Non transmis : "),
    "PageNotGiven": BilingualText("Further page not sent: ", "Page suivante non transmise : "),
    "NotServed": BilingualText("Not held by the server: ", "Non détenu par le serveur : "),
    "NotAnswered": BilingualText("Not answered by the server: ", "Sans réponse du serveur : "),
}
FETCHED = BilingualText("Asked of the FHIR server: ", "Demandé au serveur FHIR : ")
#: What the link of a card leads to, and what is said of it in the card.
EVERYTHING = BilingualText("All rules, criteria and sources", "Toutes les règles, les critères et les sources")
THE_REST = BilingualText("The rest: see the link.", "Le reste : voir le lien.")
DRAFT = BilingualText("Draft an order of {what}", "Préparer la prescription : {what}")
DENSITOMETRY = BilingualText("bone densitometry", "ostéodensitométrie")
REFERRAL = BilingualText("referral to a specialist in bone disease", "avis d’un spécialiste des pathologies osseuses")
#: Why there is no draft of a drug.
CONTRAINDICATED = BilingualText("contraindicated", "contre-indication")
FAILED = BilingualText("a failure or an intolerance is recorded", "échec ou intolérance noté au dossier")
LIMIT = BilingualText(
    "renal function is below this drug’s limit", "fonction rénale inférieure au seuil d’utilisation du médicament"
)
RENAL = BilingualText("renal function is not known well enough", "fonction rénale insuffisamment connue")
DECEASED = BilingualText("the patient is recorded as deceased", "décès noté au dossier")
UNCHECKED = BilingualText("contraindications are not checked here", "contre-indications non vérifiées par ce service")
#: What is said of an order.
OUTSIDE = BilingualText(
    "not among the guideline’s options for this patient",
    "hors des options de la recommandation pour cette patiente",
)
OPEN = BilingualText(
    "whether it is an option remains to be settled", "indication à préciser au vu de la recommandation"
)
#: What is said of orders that cannot be read.
ABOUT = BilingualText("About the order: ", "Au sujet de la prescription : ")
UNREAD = BilingualText(
    "The drug in an order could not be identified; nothing was checked.",
    "Un médicament prescrit n’a pas pu être identifié ; aucune vérification n’a été faite.",
)
PERHAPS = BilingualText("Perhaps: ", "Il pourrait s’agir de : ")
NO_DRUG = BilingualText("its drug is not stated, or not sent", "médicament non précisé ou non transmis")
NO_CODE = BilingualText("no code of its drug is known here", "code du médicament non reconnu")
#: Reasons to override a card, by code.
REASONS = {
    "specialist-advice": BilingualText("Advised by a specialist", "Avis d’un spécialiste"),
    "patient-choice": BilingualText("Choice of the patient", "Choix de la patiente"),
    "other-indication": BilingualText("Another indication", "Autre indication"),
    "record-incomplete": BilingualText("Record incomplete", "Dossier incomplet"),
}
