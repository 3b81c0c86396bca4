package org.pfscim.connector;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/** Collects the log lines of the connector during an action, as {@code LEVEL text}. */
final class LogLines extends Handler {

    interface Action {
        void run() throws Exception;
    }

    private final List<String> lines = Collections.synchronizedList(new ArrayList<>());
    private final Thread thread = Thread.currentThread();

    private LogLines() {
    }

    static List<String> of(Action action) throws Exception {
        Logger logger = Logger.getLogger("com.pingidentity.provisioner.pfscim");
        LogLines handler = new LogLines();
        logger.addHandler(handler);
        try {
            action.run();
        } finally {
            logger.removeHandler(handler);
        }
        return handler.lines;
    }

    @Override
    public void publish(LogRecord record) {
        String suffix = Thread.currentThread() == thread ? "" : " on another thread";
        lines.add(record.getLevel() + " " + record.getMessage() + suffix);
    }

    @Override
    public void flush() {
        // Nothing is buffered.
    }

    @Override
    public void close() {
        // Nothing is open.
    }
}
