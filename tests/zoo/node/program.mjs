// How every program of this folder starts and ends: its settings are one JSON line of standard input, its port is the
// first line of standard output, and it ends with its standard input.

import { createInterface } from "node:readline";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** The settings this program was started with. */
export async function settings() {
    return JSON.parse((await lines.next()).value);
}

/** Says which port to use, then hands each further line of JSON to `order` until there is no more. */
export async function serve(port, order = () => {}) {
    console.log(port);
    for await (const line of lines) {
        order(JSON.parse(line));
        console.log("done");
    }
    process.exit(0);
}
