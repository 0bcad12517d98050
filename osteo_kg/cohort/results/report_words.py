"""What the page of a cohort says around its counts, in English and French."""

from __future__ import annotations

from osteo_kg.bilingual import BilingualText

WORDS = {
    "title": BilingualText("Cohort report: {guideline}", "Rapport de cohorte – {guideline}"),
    "disclaimer": BilingualText(
        "Not a medical device. Reading of the guideline: {review}.",
        "Pas un dispositif médical. Lecture de la recommandation : {review}.",
    ),
    "unit": BilingualText(
        "Assessed as of {day}. Each record is a case of its own; counts are of records where they do not name persons.",
        "Évaluation à la date du {day}. Chaque dossier est évalué séparément ; les effectifs sont des nombres de "
        "dossiers, sauf mention de personnes.",
    ),
    "small": BilingualText(
        "Counts from 1 to {most} are suppressed, and others from which they could be calculated.",
        "Les effectifs de 1 à {most} sont masqués, ainsi que d’autres qui permettraient de les calculer.",
    ),
    "suppressed": BilingualText("suppressed", "masqué"),
    "records": BilingualText("Records", "Dossiers"),
    "of": BilingualText("Share of {total} {what}", "Part des {total} {what}"),
    "of-unknown": BilingualText("Share", "Part"),
    "what-read": BilingualText("read", "lus"),
    "what-decided": BilingualText("decided", "évalués"),
    "what-these": BilingualText("records", "dossiers"),
    "what-listed": BilingualText("to be treated", "à traiter"),
    # records and persons
    "who": BilingualText("Records and persons", "Dossiers et personnes"),
    "who-caption": BilingualText("What was read", "Ce qui a été lu"),
    "count": BilingualText("Number", "Effectif"),
    "read": BilingualText("Records read", "Dossiers lus"),
    "decided": BilingualText("Records decided", "Dossiers évalués"),
    "refused": BilingualText(
        "Refused (unreadable or contradictory)",
        "Refusés (illisibles ou contradictoires)",
    ),
    "persons": BilingualText("Persons", "Personnes"),
    "repeated": BilingualText("Persons with several records", "Personnes ayant plusieurs dossiers"),
    "repeated-rows": BilingualText("Records of these persons", "Dossiers de ces personnes"),
    "differently": BilingualText(
        "Persons whose records lead to different courses of action",
        "Personnes dont les dossiers mènent à des conduites à tenir différentes",
    ),
    "unnamed": BilingualText(
        "Records without an id, each counted as a person", "Dossiers sans identifiant, chacun compté comme une personne"
    ),
    # what is recommended
    "flow": BilingualText("What is recommended", "Conduite à tenir"),
    "flow-note": BilingualText(
        "Each bar begins where the one before it ends, so that they add up to all records read.",
        "Chaque barre commence où finit la précédente : ensemble, elles font tous les dossiers lus.",
    ),
    "flow-caption": BilingualText("Records by course of action", "Dossiers selon la conduite à tenir"),
    "course": BilingualText("Course of action", "Conduite à tenir"),
    "all": BilingualText("All records read", "Tous les dossiers lus"),
    "rest": BilingualText("Suppressed, {count} lines together", "Masqués, {count} lignes ensemble"),
    "no-figure": BilingualText(
        "Too few records for a figure.",
        "Trop peu de dossiers pour une figure.",
    ),
    "strength": BilingualText("How strongly", "Degré de la recommandation"),
    "strength-caption": BilingualText("{what}: how strongly", "{what} : degré"),
    "degree": BilingualText("Strength", "Degré"),
    "degree-open": BilingualText("To be settled (information missing)", "À préciser (informations manquantes)"),
    # options
    "options": BilingualText("Treatment options", "Options thérapeutiques"),
    "options-caption": BilingualText("Options of the records to be treated", "Options pour les dossiers à traiter"),
    "options-note": BilingualText(
        "One record may have several options. Filled: an option; outlined: depends on missing information.",
        "Un dossier peut avoir plusieurs options. Plein : option possible ; contour : option à préciser.",
    ),
    "option": BilingualText("Option", "Option"),
    # what is missing, notices
    "missing": BilingualText("Missing information", "Informations manquantes"),
    "missing-note": BilingualText(
        "Facts that would settle the course of action where it is undetermined or waits for a densitometry. "
        "One record may lack several.",
        "Informations qui préciseraient la conduite à tenir, quand elle est indéterminée ou suspendue à une "
        "ostéodensitométrie. Plusieurs peuvent manquer à un même dossier.",
    ),
    "missing-caption": BilingualText("Records that lack a fact", "Dossiers où l’information manque"),
    "fact": BilingualText("Fact", "Information"),
    "warnings": BilingualText("Points to note", "Points de vigilance"),
    "warnings-caption": BilingualText("Records with each point to note", "Dossiers concernés par chaque point"),
    "assumptions": BilingualText("Assumptions made", "Hypothèses retenues"),
    "assumptions-caption": BilingualText("Records with each assumption", "Dossiers reposant sur chaque hypothèse"),
    "notice": BilingualText("Notice", "Remarque"),
    # T-scores
    "scores": BilingualText("Lowest T-score, by branch of the guideline", "T-score le plus bas, par branche"),
    "scores-note": BilingualText(
        "Records with a T-score that were not assessed one by one; scores rounded to a tenth, in steps of a half. "
        "A cross stands for a suppressed count.",
        "Dossiers avec T-score, hors ceux évalués un par un ; scores arrondis au dixième, par pas de un demi. "
        "Une croix indique un effectif masqué.",
    ),
    "scores-none": BilingualText("No count may be shown.", "Aucun effectif ne peut être montré."),
    "scores-numbers": BilingualText("These numbers as a table", "Ces effectifs en tableau"),
    "score": BilingualText("T-score", "T-score"),
    "axis-score": BilingualText("lowest T-score", "T-score le plus bas"),
    "axis-records": BilingualText("records", "dossiers"),
    "axis-share": BilingualText("share of the {total} shown", "part des {total} montrés"),
    "panel": BilingualText("{what}: {total} records shown", "{what} : {total} dossiers montrés"),
    "panel-share": BilingualText("Share of those shown", "Part des dossiers montrés"),
    "bin-least": BilingualText("{upper} or less", "≤ {upper}"),
    "bin": BilingualText("above {lower}, up to {upper}", "> {lower} et ≤ {upper}"),
    "bin-most": BilingualText("above {lower}", "> {lower}"),
    # methods, inputs
    "methods": BilingualText("For the methods section", "Pour la section « Méthodes »"),
    "inputs": BilingualText("Inputs and versions", "Données lues et versions"),
    "inputs-caption": BilingualText("What this report rests on", "Ce sur quoi repose ce rapport"),
    "input": BilingualText("Input", "Données"),
    "files": BilingualText("Files", "Fichiers"),
    "files-of": BilingualText("{count} ({size} in all)", "{count} ({size} au total)"),
    "format": BilingualText("Format", "Format"),
    "day": BilingualText("Day of assessment", "Date d’évaluation"),
    "guideline": BilingualText("Guideline", "Recommandation"),
    "edition": BilingualText("Version of its reading", "Version de sa lecture"),
    "software": BilingualText("Software", "Logiciel"),
    "knowledge": BilingualText("Digest of the knowledge", "Empreinte des connaissances"),
    "profile": BilingualText("Import profile", "Profil d’import"),
    "sections": BilingualText("Sections taken as complete", "Rubriques considérées comme complètes"),
    "age": BilingualText("Taken for post-menopausal from", "Ménopause supposée à partir de"),
    "years": BilingualText("{age} years", "{age} ans"),
    "no-profile": BilingualText("none", "aucun"),
    "no-section": BilingualText("none", "aucune"),
    # suppression
    "how": BilingualText("How small counts are suppressed", "Comment les petits effectifs sont masqués"),
    "how-limit": BilingualText(
        "A count from 1 to {most} is suppressed; a line that is listed stands for one record at least.",
        "Un effectif de 1 à {most} est masqué ; une ligne présente correspond à au moins un dossier.",
    ),
    "how-total": BilingualText(
        "Where a total is shown, suppressed parts are at least two, and each of them may be {limit} or more for all "
        "that is shown; otherwise the next smallest part is suppressed too, or the total.",
        "Quand un total est montré, au moins deux parts sont masquées, et chacune pourrait valoir {limit} ou plus "
        "d’après ce qui est montré ; sinon, la plus petite part suivante l’est aussi, ou le total.",
    ),
    "how-tables": BilingualText(
        "No suppressed count is a sum or a difference of shown ones, in one table or across tables. A count that "
        "leaves out 1 to {most} records only is suppressed too.",
        "Aucun effectif masqué n’est la somme ou la différence d’effectifs montrés, dans un tableau ou entre "
        "tableaux. Un effectif qui n’exclut que 1 à {most} dossiers est masqué aussi.",
    ),
    "how-plots": BilingualText(
        "Plots of T-scores leave out courses of action whose total is suppressed.",
        "Les figures des T-scores omettent les conduites à tenir dont le total est masqué.",
    ),
    "how-none": BilingualText(
        "No count is suppressed in this report: it is not for publication.",
        "Aucun effectif n’est masqué dans ce rapport : il n’est pas destiné à être publié.",
    ),
}
METHODS = {
    "software": BilingualText(
        "Records were assessed with osteo-kg {software} (knowledge {knowledge}) against the guideline “{guideline}”"
        "{edition} ({review}), as of {day}.",
        "Les dossiers ont été évalués avec le logiciel osteo-kg {software} (connaissances {knowledge}) selon la "
        "recommandation « {guideline} »{edition} ({review}), à la date du {day}.",
    ),
    "edition": BilingualText(", read in version {edition}", ", lue dans sa version {edition}"),
    "counts": BilingualText(
        "Of {read} records of {persons} persons, {decided} were decided and {refused} refused as unreadable or "
        "contradictory.",
        "Sur {read} dossiers de {persons} personnes, {decided} ont été évalués et {refused} refusés, car "
        "illisibles ou contradictoires.",
    ),
    "suppressed": BilingualText("[suppressed]", "[masqué]"),
    "unknown": BilingualText(
        "Information missing from a record was treated as unknown, never as absent: a course of action was counted "
        "only where every way of completing the record leads to it, and as undetermined otherwise.",
        "Une information absente d’un dossier a été considérée comme inconnue, jamais comme négative : une conduite "
        "à tenir n’est comptée que si toutes les façons de compléter le dossier y mènent ; elle est sinon comptée "
        "comme indéterminée.",
    ),
    "sections": BilingualText(
        "What these sections did not list was taken as absent: {sections}.",
        "Ce que ces rubriques ne mentionnaient pas a été considéré comme absent : {sections}.",
    ),
    "age": BilingualText(
        "Women of {age} years or more whose menopausal status was not recorded were taken for post-menopausal.",
        "Les femmes de {age} ans ou plus dont le statut ménopausique n’était pas renseigné ont été considérées comme "
        "ménopausées.",
    ),
    "profile": BilingualText("The import profile was {profile}.", "Le profil d’import était {profile}."),
    "small": BilingualText(
        "Counts from 1 to {most} were suppressed, as were further counts from which they could have been calculated.",
        "Les effectifs de 1 à {most} ont été masqués, ainsi que ceux qui auraient permis de les calculer.",
    ),
}
FORMATS = {
    "csv": "CSV",
    "fhir": "FHIR",
    "json": "JSON",
    "jsonl": "JSON Lines",
    "nquads": "N-Quads",
    "ntriples": "N-Triples",
    "parquet": "Parquet",
}
