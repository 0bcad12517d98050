// Reads an array of FHIR resources on standard input, and writes for each the list of what is wrong with it:
// structure, invariants, and codes that are not in the value set that an element is bound to.
// Contained resources are looked at too, each by itself, since the validator passes them over.
"use strict";

const { readFileSync } = require("node:fs");
const { createRequire } = require("node:module");
const { join } = require("node:path");

const modules = process.argv[2];
const { indexStructureDefinitionBundle, validateResource } = createRequire(join(modules, "x.cjs"))("@medplum/core");

function definitions(name) {
  return JSON.parse(readFileSync(join(modules, "@medplum", "definitions", "dist", "fhir", "r4", name), "utf-8"));
}

indexStructureDefinitionBundle(definitions("profiles-types.json"));
indexStructureDefinitionBundle(definitions("profiles-resources.json"));

const known = definitions("valuesets.json").entry.map((entry) => entry.resource);
const systems = new Map(known.filter((each) => each.resourceType === "CodeSystem").map((each) => [each.url, each]));

function codesBelow(concepts) {
  return (concepts ?? []).flatMap((each) => [each.code, ...codesBelow(each.concept)]);
}

// Only value sets that are lists of codes: the codes of one that filters are not known here.
const valueSets = new Map();
for (const set of known.filter((each) => each.resourceType === "ValueSet")) {
  const parts = set.compose?.include ?? [];
  if (parts.every((part) => !part.filter && !part.valueSet && (part.concept || systems.get(part.system)?.concept))) {
    const codes = parts.flatMap((part) => codesBelow(part.concept ?? systems.get(part.system).concept));
    valueSets.set(`${set.url}|${set.version}`, new Set(codes));
  }
}

function codeIssues(tokens) {
  return Object.entries(tokens).flatMap(([set, found]) =>
    found
      .filter((token) => typeof token.value === "string" && !valueSets.get(set).has(token.value))
      .map((token) => `error: ${token.value} is not in ${set} (${token.path})`),
  );
}

function told(resource) {
  const tokens = Object.fromEntries([...valueSets.keys()].map((set) => [set, []]));
  let issues;
  try {
    issues = validateResource(resource, { collect: { tokens } });
  } catch (error) {
    if (!error.outcome) throw error;
    issues = error.outcome.issue;
  }
  const said = issues.map((issue) => `${issue.severity}: ${issue.details?.text} (${issue.expression})`);
  return [...said, ...codeIssues(tokens), ...(resource.contained ?? []).flatMap(told)];
}

const resources = JSON.parse(readFileSync(0, "utf-8"));
process.stdout.write(JSON.stringify(resources.map(told)));
