// Has clients of SPARQL ask a service: `node ask.mjs MODULES`, with {sparql, update, store, token} as JSON on standard
// input. It prints what each client found, or the error that it met.

import { readFileSync, writeFileSync } from "node:fs";
import { registerHooks, stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";

const modules = process.argv[2];
const inside = pathToFileURL(join(modules, "..", "asking.mjs")).href;
registerHooks({
  resolve: (name, context, next) =>
    next(name, context.parentURL === import.meta.url ? { ...context, parentURL: inside } : context),
});

const service = JSON.parse(await text(process.stdin));
const graph = "http://e/clients";
const select = "SELECT ?name { GRAPH ?g { ?s <http://e/label> ?name } } ORDER BY ?name";
const construct = "CONSTRUCT { ?s <http://e/label> ?name } WHERE { GRAPH ?g { ?s <http://e/label> ?name } }";
const ask = "ASK { GRAPH ?g { ?s <http://e/label> 'Berta' } }";
const insert = (name) => `INSERT DATA { GRAPH <${graph}> { <http://e/${name}> <http://e/written-by> '${name}' } }`;
const authorization = { Authorization: `Bearer ${service.token}` };

const collected = (stream) =>
  new Promise((resolve, reject) => {
    const found = [];
    stream.on("data", (each) => found.push(each)).on("error", reject).on("end", () => resolve(found));
  });

async function comunica() {
  const { QueryEngine } = await import("@comunica/query-sparql");
  const engine = new QueryEngine();
  const sources = [{ type: "sparql", value: service.sparql }];
  const withToken = (address, options) =>
    fetch(address, { ...options, headers: { ...Object.fromEntries(new Headers(options?.headers)), ...authorization } });
  const rows = await (await engine.queryBindings(select, { sources })).toArray();
  const quads = await (await engine.queryQuads(construct, { sources })).toArray();
  const asked = await engine.queryBoolean(ask, { sources });
  const destination = { type: "sparql", value: service.update };
  await engine.queryVoid(insert("comunica"), { sources: [destination], destination, fetch: withToken });
  return { names: rows.map((row) => row.get("name").value), triples: quads.length, asked };
}

async function fetchSparqlEndpoint() {
  const { SparqlEndpointFetcher } = await import("fetch-sparql-endpoint");
  const found = {};
  for (const method of ["GET", "POST"]) {
    const fetcher = new SparqlEndpointFetcher({ method, defaultHeaders: new Headers(authorization) });
    const rows = await collected(await fetcher.fetchBindings(service.sparql, select));
    found.names = rows.map((row) => row.name.value);
    found.triples = (await collected(await fetcher.fetchTriples(service.sparql, construct))).length;
    found.asked = await fetcher.fetchAsk(service.sparql, ask);
    await fetcher.fetchUpdate(service.update, insert("fetch-sparql-endpoint"));
  }
  return found;
}

async function sparqlHttpClient() {
  const { default: ParsingClient } = await import("sparql-http-client/ParsingClient.js");
  const client = new ParsingClient({
    endpointUrl: service.sparql,
    updateUrl: service.update,
    storeUrl: service.store,
    headers: authorization,
  });
  const rows = await client.query.select(select);
  const triples = [...(await client.query.construct(construct))].length;
  const asked = await client.query.ask(ask);
  await client.query.update(insert("sparql-http-client"));
  const { default: StreamClient } = await import("sparql-http-client");
  const streaming = new StreamClient({ storeUrl: service.store, headers: authorization });
  const stored = await collected(streaming.store.get(streaming.factory.namedNode(graph)));
  if (!stored.length) throw new Error("what was written is not in the graph store");
  return { names: rows.map((row) => row.name.value), triples, asked };
}

// The editor needs a browser; what it sends does not, and is taken from its source without its types.
async function yasgui() {
  const folder = join(modules, "@triply", "yasqe", "src");
  const source = readFileSync(join(folder, "sparql.ts"), "utf8")
    .replace(/import \{[^}]*\} from "\.\/";/, "")
    .replace("import * as superagent", "import superagent") // of CommonJS, which Node hands on as one
    .replace("import * as queryString", "import queryString");
  const plain = join(folder, `sparql.${process.pid}.mjs`);
  writeFileSync(plain, stripTypeScriptTypes(source));
  const { executeQuery } = await import(pathToFileURL(plain).href);
  const asking = (query, mode, kind, config) => {
    const heard = {};
    const editor = {
      config: { requestConfig: { endpoint: service.sparql, headers: {}, ...defaults, ...config } },
      getQueryMode: () => mode,
      getQueryType: () => kind,
      getValue: () => query,
      emit: (name, told) => {
        heard[name] = told;
        if (name === "query") told.buffer(true); // a browser keeps the text of every answer, Node of some
      },
    };
    return executeQuery(editor).then(() => {
      if (heard.error) throw heard.error;
      return heard.queryResponse;
    });
  };
  const answers = {};
  for (const method of ["GET", "POST"]) {
    const rows = JSON.parse((await asking(select, "query", "SELECT", { method })).text);
    answers.names = rows.results.bindings.map((row) => row.name.value);
    answers.asked = JSON.parse((await asking(ask, "query", "ASK", { method })).text).boolean;
    const lines = (await asking(construct, "query", "CONSTRUCT", { method })).text;
    answers.triples = lines.trim().split("\n").length;
  }
  await asking(insert("yasgui"), "update", null, { endpoint: service.update, headers: authorization });
  return answers;
}

const defaults = {
  acceptHeaderGraph: "application/n-triples,*/*;q=0.9",
  acceptHeaderSelect: "application/sparql-results+json,*/*;q=0.9",
  acceptHeaderUpdate: "text/plain,*/*;q=0.9",
  method: "POST",
  namedGraphs: [],
  defaultGraphs: [],
  args: [],
};

const clients = { comunica, "fetch-sparql-endpoint": fetchSparqlEndpoint, "sparql-http-client": sparqlHttpClient, yasgui };
const found = {};
for (const [name, client] of Object.entries(clients)) {
  try {
    found[name] = await client();
  } catch (error) {
    found[name] = { error: `${error.stack ?? error}` };
  }
}
process.stdout.write(JSON.stringify(found));
