// Validate documents by rdf-validate-shacl. The argument is the folder of packages; standard input holds
// {"shapes": Turtle, "documents": {name: Turtle}}, and for each name its results are printed:
// [focus, path, value, component, shape], with "" for what is nameless, and null for what is missing.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const packages = createRequire(`${process.argv[2]}/`);
const { Parser, Store } = packages("n3");
const { default: Validator } = await import(pathToFileURL(packages.resolve("rdf-validate-shacl")));

const { shapes, documents } = JSON.parse(readFileSync(0, "utf-8"));
const graph = (text) => new Store(new Parser().parse(text));
const validator = new Validator(graph(shapes));
// a path of several steps is no term here, and a nameless node in a report
const term = (it) => (it === null || it === undefined ? null : it.termType && it.termType !== "BlankNode" ? it.value : "");
const found = {};
for (const [name, text] of Object.entries(documents)) {
  const report = await validator.validate(graph(text));
  found[name] = report.results.map((each) =>
    [each.focusNode, each.path, each.value, each.sourceConstraintComponent, each.sourceShape].map(term),
  );
}
process.stdout.write(JSON.stringify(found));
