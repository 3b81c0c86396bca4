package org.pfscim.host;

import org.apache.commons.logging.Log;

/**
 * Implements the logger of commons-logging. Writes each line of a plugin to standard output, with the number of the request
 * that its thread processes.
 *
 * <p>Public, with a constructor that takes the logger's name, because commons-logging requires both.
 */
public final class ProtocolLog implements Log {
    private enum Level {
        TRACE, DEBUG, INFO, WARN, ERROR, FATAL
    }

    /** Parent of the loggers of plugins. PingFederate writes it to its provisioning log. */
    private static final String PROVISIONER = "com.pingidentity.provisioner";

    private static volatile Output output;
    private static volatile Level threshold = Level.INFO;

    private final String logger;

    /** Creates a logger. */
    public ProtocolLog(String logger) {
        this.logger = logger;
    }

    /** Makes commons-logging use this class with this output. */
    static void install(Output output, Modes modes) {
        System.setProperty("org.apache.commons.logging.LogFactory", "org.apache.commons.logging.impl.LogFactoryImpl");
        System.setProperty("org.apache.commons.logging.Log", ProtocolLog.class.getName());
        ProtocolLog.output = output;
        threshold = modes.logsEverything() ? Level.TRACE : Level.INFO;
    }

    private void log(Level level, Object message, Throwable cause) {
        if (!isEnabled(level)) {
            return;
        }
        String text = cause == null ? String.valueOf(message) : message + ": " + cause;
        Args line = new Args().add("level", level.name()).add("logger", logger).add("text", text);
        Request request = Request.current();
        if (request != null) {
            line.add("seq", Long.toString(request.seq()));
            if (logger.startsWith(PROVISIONER)) {
                request.recordLog(level == Level.INFO, level == Level.WARN, text);
            }
        }
        Output current = output;
        if (current != null) {
            current.log(line);
        }
    }

    private static boolean isEnabled(Level level) {
        return level.compareTo(threshold) >= 0;
    }

    @Override
    public boolean isTraceEnabled() {
        return isEnabled(Level.TRACE);
    }

    @Override
    public boolean isDebugEnabled() {
        return isEnabled(Level.DEBUG);
    }

    @Override
    public boolean isInfoEnabled() {
        return isEnabled(Level.INFO);
    }

    @Override
    public boolean isWarnEnabled() {
        return isEnabled(Level.WARN);
    }

    @Override
    public boolean isErrorEnabled() {
        return isEnabled(Level.ERROR);
    }

    @Override
    public boolean isFatalEnabled() {
        return isEnabled(Level.FATAL);
    }

    @Override
    public void trace(Object message) {
        log(Level.TRACE, message, null);
    }

    @Override
    public void trace(Object message, Throwable cause) {
        log(Level.TRACE, message, cause);
    }

    @Override
    public void debug(Object message) {
        log(Level.DEBUG, message, null);
    }

    @Override
    public void debug(Object message, Throwable cause) {
        log(Level.DEBUG, message, cause);
    }

    @Override
    public void info(Object message) {
        log(Level.INFO, message, null);
    }

    @Override
    public void info(Object message, Throwable cause) {
        log(Level.INFO, message, cause);
    }

    @Override
    public void warn(Object message) {
        log(Level.WARN, message, null);
    }

    @Override
    public void warn(Object message, Throwable cause) {
        log(Level.WARN, message, cause);
    }

    @Override
    public void error(Object message) {
        log(Level.ERROR, message, null);
    }

    @Override
    public void error(Object message, Throwable cause) {
        log(Level.ERROR, message, cause);
    }

    @Override
    public void fatal(Object message) {
        log(Level.FATAL, message, null);
    }

    @Override
    public void fatal(Object message, Throwable cause) {
        log(Level.FATAL, message, cause);
    }
}
