"""The words of cards, in both languages."""

from __future__ import annotations

from osteo_kg import BilingualText

TITLE = BilingualText("Osteoporosis treatment", "Traitement de l’ostéoporose")
DESCRIPTION = (
    "Says what the guideline OIC-128-08-B decides for a woman after the menopause, why, and what is still missing; "
    "warns of orders outside its options. Not a medical device; not reviewed by a clinician."
)
NEEDS = "Send every prefetch: no FHIR server is called. Null means that the query found nothing."
NEEDS_OR_ACCESS = (
    "Send every prefetch, or access to a FHIR server that may be called. Null means that the query found nothing."
)
COLON = BilingualText(": ", " : ")  # between a subject and what is said of it
SEMICOLON = BilingualText("; ", " ; ")
SUBJECT = BilingualText("Osteoporosis", "Ostéoporose")
MISSING = BilingualText("Missing: ", "Manque : ")
MAY_BE = BilingualText("possible: ", "possible : ")
ONGOING = BilingualText("a treatment is under way", "un traitement est en cours")
NOT_DRAFTED = BilingualText("No draft order: ", "Prescriptions non proposées : ")
RECORD = BilingualText("The record as sent: ", "Le dossier tel que transmis : ")
EMPTY = BilingualText("Asked, nothing there (unknown, not absent): ", "Demandé, rien trouvé (inconnu, pas absent) : ")
LACKING = BilingualText("Not supplied, or not whole: ", "Non transmis, ou incomplet : ")
FETCHED = BilingualText("Asked of the FHIR server: ", "Demandé au serveur FHIR : ")
#: What the link of a card leads to, and what is said of it in the card.
EVERYTHING = BilingualText("All rules, criteria and sources", "Toutes les règles, les critères et les sources")
THE_REST = BilingualText("The rest: see the link.", "Le reste : voir le lien.")
DRAFT = BilingualText("Draft an order of {what}", "Préparer une prescription : {what}")
DENSITOMETRY = BilingualText("bone densitometry", "ostéodensitométrie")
REFERRAL = BilingualText("referral to a specialist in bone disease", "avis d’un spécialiste des maladies osseuses")
#: Why there is no draft of a drug.
CONTRAINDICATED = BilingualText("contraindicated", "contre-indication")
FAILED = BilingualText("a failure or an intolerance is recorded", "un échec ou une intolérance est noté")
LIMIT = BilingualText(
    "renal function is below the limit of the drug", "la fonction rénale est sous la limite du médicament"
)
RENAL = BilingualText("renal function is not known", "la fonction rénale n’est pas connue")
DECEASED = BilingualText("the patient is recorded as deceased", "la patiente est notée décédée")
UNCHECKED = BilingualText("contraindications are not checked here", "les contre-indications ne sont pas vérifiées ici")
#: What is said of an order.
OUTSIDE = BilingualText("not an option of the guideline for this patient", "pas une option de la recommandation ici")
OPEN = BilingualText("the guideline leaves it open for this patient", "la recommandation ne tranche pas ici")
#: What is said of orders that cannot be read.
ABOUT = BilingualText("About the order: ", "Au sujet de la prescription : ")
UNREAD = BilingualText(
    "The drug of an order cannot be read here; nothing was checked.",
    "Le médicament d’une prescription n’est pas lisible ici ; rien n’a été vérifié.",
)
PERHAPS = BilingualText("Perhaps: ", "Peut-être : ")
NO_DRUG = BilingualText("its drug is not stated, or not sent", "son médicament n’est pas indiqué, ou pas transmis")
NO_CODE = BilingualText("no code of its drug is known here", "aucun code de son médicament n’est connu ici")
#: Reasons to override a card, by code.
REASONS = {
    "specialist-advice": BilingualText("Advised by a specialist", "Avis d’un spécialiste"),
    "patient-choice": BilingualText("Choice of the patient", "Choix de la patiente"),
    "other-indication": BilingualText("Another indication", "Autre indication"),
    "record-incomplete": BilingualText("The record does not say all", "Le dossier ne dit pas tout"),
}
