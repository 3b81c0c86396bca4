// Starts and ends the programs of this folder.
// A program reads its settings as one JSON line of standard input. The first line of its standard output is its port.
// It ends when its standard input closes.

import { createInterface } from "node:readline";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** Reads the settings of this program. */
export async function settings() {
    return JSON.parse((await lines.next()).value);
}

/** Prints the port, then passes each further JSON line of standard input to `configure`, until standard input closes. */
export async function serve(port, configure = () => {}) {
    console.log(port);
    for await (const line of lines) {
        configure(JSON.parse(line));
        console.log("done");
    }
    process.exit(0);
}
