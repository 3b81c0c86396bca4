package org.pfscim.host;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;

/**
 * What the documentation of the SPI leaves open, or what goes wrong in real installations, each to be played either way.
 * Set by the system properties {@code org.pfscim.host.NAME}; the first choice is the default.
 */
final class Modes {
    private static final String PREFIX = "org.pfscim.host.";

    private static final Map<String, List<String>> CHOICES = new LinkedHashMap<>();

    static {
        // One session for the life of the channel, or one for each cycle.
        CHOICES.put("init", Arrays.asList("once", "per-cycle"));
        // The server may never ask for a check.
        CHOICES.put("check", Arrays.asList("call", "skip"));
        // The user that an update finds: what was read, as far as it is mapped, or its id and nothing else.
        CHOICES.put("existing", Arrays.asList("mapped", "id"));
        // A removal is a call of its own, or an update of a disabled user.
        CHOICES.put("removal", Arrays.asList("deprovision", "update"));
        // Records are taken in the order given, or in none.
        CHOICES.put("order", Arrays.asList("given", "shuffled"));
        // The console asks for the field list of a plugin that has no parameters yet.
        CHOICES.put("fields", Arrays.asList("late", "early"));
        // The console writes the plugin out and reads it back.
        CHOICES.put("serialize", Arrays.asList("false", "true"));
        // Two channels with the same target.
        CHOICES.put("instances", Arrays.asList("1", "2"));
        // What the server logs by default, or everything that there is.
        CHOICES.put("log", Arrays.asList("info", "all"));
    }

    private final Map<String, String> chosen = new LinkedHashMap<>();

    /** Reads the modes; a mode or choice that does not exist is an error, so that no test plays another than it says. */
    Modes(Properties properties) throws CannotStart {
        CHOICES.forEach((name, choices) -> chosen.put(name, choices.get(0)));
        for (String property : properties.stringPropertyNames()) {
            if (property.startsWith(PREFIX)) {
                String name = property.substring(PREFIX.length());
                String value = properties.getProperty(property);
                List<String> choices = CHOICES.get(name);
                if (choices == null) {
                    throw new CannotStart("there is no mode " + property + "; there are " + CHOICES.keySet());
                }
                if (!choices.contains(value)) {
                    throw new CannotStart("the mode " + property + " is one of " + choices + ", not " + value);
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

    boolean asksFieldsEarly() {
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
