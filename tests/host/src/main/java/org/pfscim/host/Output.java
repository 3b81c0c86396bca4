package org.pfscim.host;

import java.io.PrintStream;

/** Standard output: whole lines only, whichever threads write them, each sent at once. */
final class Output {
    private final PrintStream stream;

    Output(PrintStream stream) {
        this.stream = stream;
    }

    void ok(long seq, Args args) {
        line(seq + " ok", args);
    }

    void failed(long seq, Args args) {
        line(seq + " failed", args);
    }

    void log(Args args) {
        line("- log", args);
    }

    private synchronized void line(String what, Args args) {
        String encoded = args.encode();
        // Not println: its line end depends on the platform.
        stream.print(encoded.isEmpty() ? what + "\n" : what + " " + encoded + "\n");
        stream.flush();
    }
}
