package org.pfscim.host;

import java.io.PrintStream;

/** Writes whole lines to standard output, for all threads, and flushes each line. */
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

    private synchronized void line(String start, Args args) {
        String encoded = args.encode();
        // Not println, because its line end depends on the platform.
        stream.print(encoded.isEmpty() ? start + "\n" : start + " " + encoded + "\n");
        stream.flush();
    }
}
