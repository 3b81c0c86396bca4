package org.pfscim.host;

import java.io.UnsupportedEncodingException;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The arguments of a line: names with one or more values, in the order in which they were first named. */
final class Args {
    private static final String UTF_8 = "UTF-8";

    private final Map<String, List<String>> values = new LinkedHashMap<>();

    /** Reads the encoded form; the empty text has no arguments. */
    static Args decode(String text) {
        Args args = new Args();
        if (!text.isEmpty()) {
            for (String pair : text.split("&")) {
                int equals = pair.indexOf('=');
                if (equals < 0) {
                    throw new IllegalArgumentException("an argument without a value");
                }
                args.add(decoded(pair.substring(0, equals)), decoded(pair.substring(equals + 1)));
            }
        }
        return args;
    }

    /** The encoded form: one line without blanks, whatever the values hold. */
    String encode() {
        StringBuilder text = new StringBuilder();
        values.forEach((name, all) -> all.forEach(value -> {
            text.append(text.length() == 0 ? "" : "&").append(encoded(name)).append('=').append(encoded(value));
        }));
        return text.toString();
    }

    /** Adds a value. */
    Args add(String name, String value) {
        values.computeIfAbsent(name, unused -> new ArrayList<>()).add(value);
        return this;
    }

    /** Adds a value that may be null, which is no value at all. */
    Args addIfPresent(String name, String value) {
        return value == null ? this : add(name, value);
    }

    /** Adds a switch. */
    Args add(String name, boolean value) {
        return add(name, Boolean.toString(value));
    }

    /** The first value, or null. */
    String get(String name) {
        List<String> all = all(name);
        return all.isEmpty() ? null : all.get(0);
    }

    /** All values; none is an empty list. */
    List<String> all(String name) {
        return values.getOrDefault(name, Collections.emptyList());
    }

    /** A switch, {@code unset} where it is not given. */
    boolean flag(String name, boolean unset) {
        String value = get(name);
        if (value != null && !value.equals("true") && !value.equals("false")) {
            throw new IllegalArgumentException(name + " must be true or false");
        }
        return value == null ? unset : value.equals("true");
    }

    /** The arguments whose names start with the prefix, under the rest of their names. */
    Map<String, List<String>> below(String prefix) {
        Map<String, List<String>> found = new LinkedHashMap<>();
        values.forEach((name, all) -> {
            if (name.startsWith(prefix)) {
                found.put(name.substring(prefix.length()), all);
            }
        });
        return found;
    }

    private static String encoded(String text) {
        try {
            return URLEncoder.encode(text, UTF_8);
        } catch (UnsupportedEncodingException everyJavaHasUtf8) {
            throw new IllegalStateException(everyJavaHasUtf8);
        }
    }

    private static String decoded(String text) {
        try {
            return URLDecoder.decode(text, UTF_8);
        } catch (UnsupportedEncodingException everyJavaHasUtf8) {
            throw new IllegalStateException(everyJavaHasUtf8);
        }
    }
}
