package org.pfscim.host;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;

/**
 * Reads the modes of the host. A mode is a behaviour of the server that the documentation of the SPI does not define. Some
 * modes differ in real installations. The system property {@code org.pfscim.host.NAME} sets a mode; the first choice is the
 * default.
 */
final class Modes {
    private static final String PREFIX = "org.pfscim.host.";

    private static final Map<String, List<String>> CHOICES = new LinkedHashMap<>();

    static {
        // One session for the life of the channel, or one session per cycle.
        CHOICES.put("init", Arrays.asList("once", "per-cycle"));
        // The server checks the connection, or does not.
        CHOICES.put("check", Arrays.asList("call", "skip"));
        // The existing user of an update has the mapped fields that were read, or only its id.
        CHOICES.put("existing", Arrays.asList("mapped", "id"));
        // A removal is a separate call, or an update of a disabled user.
        CHOICES.put("removal", Arrays.asList("deprovision", "update"));
        // Records are handled in the order of the input, or in a random order.
        CHOICES.put("order", Arrays.asList("given", "shuffled"));
        // The console reads the field list of a plugin before it sets the parameters.
        CHOICES.put("fields", Arrays.asList("late", "early"));
        // The console serializes the plugin and deserializes it.
        CHOICES.put("serialize", Arrays.asList("false", "true"));
        // The channel has one plugin, or two with the same target.
        CHOICES.put("instances", Arrays.asList("1", "2"));
        // The default log levels of the server, or all levels.
        CHOICES.put("log", Arrays.asList("info", "all"));
    }

    private final Map<String, String> chosen = new LinkedHashMap<>();

    /** Reads the modes. An unknown mode or choice is an error, so that a test cannot run with a mistyped mode. */
    Modes(Properties properties) throws HostException {
        CHOICES.forEach((name, choices) -> chosen.put(name, choices.get(0)));
        for (String property : properties.stringPropertyNames()) {
            if (property.startsWith(PREFIX)) {
                String name = property.substring(PREFIX.length());
                String value = properties.getProperty(property);
                List<String> choices = CHOICES.get(name);
                if (choices == null) {
                    throw new HostException("unknown mode " + property + "; use one of " + CHOICES.keySet());
                }
                if (!choices.contains(value)) {
                    throw new HostException("the mode " + property + " must be one of " + choices + ", not " + value);
                }
                chosen.put(name, value);
            }
        }
    }

    boolean initPerCycle() {
        return is("init", "per-cycle");
    }

    boolean skipsCheck() {
        return is("check", "skip");
    }

    boolean existingIsIdOnly() {
        return is("existing", "id");
    }

    boolean removesByUpdate() {
        return is("removal", "update");
    }

    boolean shuffles() {
        return is("order", "shuffled");
    }

    boolean listsFieldsEarly() {
        return is("fields", "early");
    }

    boolean serializes() {
        return is("serialize", "true");
    }

    int instances() {
        return Integer.parseInt(chosen.get("instances"));
    }

    boolean logsEverything() {
        return is("log", "all");
    }

    private boolean is(String name, String value) {
        return chosen.get(name).equals(value);
    }
}
