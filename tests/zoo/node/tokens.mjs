// Runs oauth2-mock-server as a token endpoint whose responses a test can change.
// A change is {"status", "body", "merge", "omit"}, each optional: the status, a body that replaces the real one, members
// that replace or add values, and members to omit. It applies until the next change.

import { OAuth2Server } from "oauth2-mock-server";
import { serve, settings } from "./program.mjs";

await settings();
const server = new OAuth2Server();
await server.issuer.keys.generate("RS256");
await server.start(0, "127.0.0.1");

let change = {};
server.service.on("beforeResponse", (response) => {
    response.statusCode = change.status ?? response.statusCode;
    response.body = "body" in change ? change.body : { ...response.body, ...change.merge };
    for (const name of change.omit ?? []) {
        delete response.body[name];
    }
});
serve(server.address().port, (next) => { change = next; });
