package org.pfscim.host;

import java.io.PrintStream;

/** Standard output: whole lines only, whichever threads write them, each sent at once. */
final class Output {
    private final PrintStream stream;

    Output(PrintStream stream) {
        this.stream = stream;
    }

    void ok(long seq, Args args) {
        line(seq + " ok " + args.encode());
    }

    void failed(long seq, Args args) {
        line(seq + " failed " + args.encode());
    }

    void log(Args args) {
        line("- log " + args.encode());
    }

    private synchronized void line(String line) {
        // Not println: its line end depends on the platform.
        stream.print(line + "\n");
        stream.flush();
    }
}
