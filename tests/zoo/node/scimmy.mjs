// Runs SCIMMY (SCIM 2.0) on Express, with users and groups in memory.
// The library implements SCIM. This file has only the store and the check of the one accepted token.

import { randomUUID } from "node:crypto";
import express from "express";
import SCIMMY from "scimmy";
import SCIMMYRouters from "scimmy-routers";
import { serve, settings } from "./program.mjs";

const { token } = await settings();

/** Stores the resources of a type in memory. A name must be unique, without regard to case. */
function storeInMemory(type, name) {
    const stored = new Map();
    const key = (resource) => String(resource[name]).toLowerCase();
    SCIMMY.Resources.declare(type)
        .ingress((resource, data) => {
            const id = resource.id ?? randomUUID();
            if (resource.id !== undefined && !stored.has(id)) {
                throw new SCIMMY.Types.Error(404, null, `Resource ${id} not found`);
            }
            for (const [other, each] of stored) {
                if (other !== id && key(each) === key(data)) {
                    throw new SCIMMY.Types.Error(409, "uniqueness", `another resource has this ${name}`);
                }
            }
            const now = new Date();
            const created = stored.get(id)?.meta.created ?? now;
            const next = { ...JSON.parse(JSON.stringify(data)), id, meta: { created, lastModified: now } };
            stored.set(id, next);
            return structuredClone(next);
        })
        .egress((resource) => {
            if (resource.id === undefined) {
                const all = [...stored.values()].map((each) => structuredClone(each));
                return resource.filter ? resource.filter.match(all) : all;
            }
            if (!stored.has(resource.id)) {
                throw new SCIMMY.Types.Error(404, null, `Resource ${resource.id} not found`);
            }
            return structuredClone(stored.get(resource.id));
        })
        .degress((resource) => {
            if (!stored.delete(resource.id)) {
                throw new SCIMMY.Types.Error(404, null, `Resource ${resource.id} not found`);
            }
        });
}

SCIMMY.Resources.User.extend(SCIMMY.Schemas.EnterpriseUser, false);
storeInMemory(SCIMMY.Resources.User, "userName");
storeInMemory(SCIMMY.Resources.Group, "displayName");

const application = express();
application.use("/scim", new SCIMMYRouters({
    type: "bearer",
    handler: (request) => {
        if (token !== null && request.header("Authorization") !== `Bearer ${token}`) {
            throw new Error("wrong token");
        }
        return "provisioning";
    },
}));
const server = application.listen(0, "127.0.0.1", () => serve(server.address().port));
