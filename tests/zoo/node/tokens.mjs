// oauth2-mock-server as a token endpoint that answers as it is told. An order is {"status", "body", "merge", "omit"}:
// the status, a whole body in place of the real one, members laid over it, and members left out; each may be absent.
// It holds until the next one.

import { OAuth2Server } from "oauth2-mock-server";
import { serve, settings } from "./program.mjs";

await settings();
const server = new OAuth2Server();
await server.issuer.keys.generate("RS256");
await server.start(0, "127.0.0.1");

let told = {};
server.service.on("beforeResponse", (answer) => {
    answer.statusCode = told.status ?? answer.statusCode;
    answer.body = "body" in told ? told.body : { ...answer.body, ...told.merge };
    for (const name of told.omit ?? []) {
        delete answer.body[name];
    }
});
serve(server.address().port, (order) => { told = order; });
