package org.pfscim.host;

import java.io.UnsupportedEncodingException;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Stores the arguments of a line: names with one or more values each, in the order of their first occurrence. */
final class Args {
    private static final String UTF_8 = "UTF-8";

    private final Map<String, List<String>> values = new LinkedHashMap<>();

    /** Reads the encoded form. The empty text has no arguments. */
    static Args decode(String text) {
        Args args = new Args();
        if (!text.isEmpty()) {
            for (String pair : text.split("&")) {
                int equals = pair.indexOf('=');
                if (equals < 0) {
                    throw new IllegalArgumentException("an argument has no value");
                }
                args.add(urlDecode(pair.substring(0, equals)), urlDecode(pair.substring(equals + 1)));
            }
        }
        return args;
    }

    /** Returns the encoded form: one line of ASCII without blanks. */
    String encode() {
        StringBuilder text = new StringBuilder();
        values.forEach((name, all) -> all.forEach(value -> {
            text.append(text.length() == 0 ? "" : "&").append(urlEncode(name)).append('=').append(urlEncode(value));
        }));
        return text.toString();
    }

    /** Adds a value. */
    Args add(String name, String value) {
        values.computeIfAbsent(name, unused -> new ArrayList<>()).add(value);
        return this;
    }

    /** Adds a value unless it is null. */
    Args addIfPresent(String name, String value) {
        return value == null ? this : add(name, value);
    }

    /** Adds a truth value. */
    Args add(String name, boolean value) {
        return add(name, Boolean.toString(value));
    }

    /** Returns the first value, or null. */
    String get(String name) {
        List<String> all = values(name);
        return all.isEmpty() ? null : all.get(0);
    }

    /** Returns all values, or an empty list. */
    List<String> values(String name) {
        return values.getOrDefault(name, Collections.emptyList());
    }

    /** Returns a truth value, or the default if it is missing. */
    boolean flag(String name, boolean defaultValue) {
        String value = get(name);
        if (value != null && !value.equals("true") && !value.equals("false")) {
            throw new IllegalArgumentException(name + " must be true or false");
        }
        return value == null ? defaultValue : value.equals("true");
    }

    /** Returns the arguments whose names start with the prefix. The prefix is removed from the names. */
    Map<String, List<String>> withPrefix(String prefix) {
        Map<String, List<String>> matches = new LinkedHashMap<>();
        values.forEach((name, all) -> {
            if (name.startsWith(prefix)) {
                matches.put(name.substring(prefix.length()), all);
            }
        });
        return matches;
    }

    private static String urlEncode(String text) {
        try {
            return URLEncoder.encode(text, UTF_8);
        } catch (UnsupportedEncodingException unsupported) {
            throw new IllegalStateException(unsupported);
        }
    }

    private static String urlDecode(String text) {
        try {
            return URLDecoder.decode(text, UTF_8);
        } catch (UnsupportedEncodingException unsupported) {
            throw new IllegalStateException(unsupported);
        }
    }
}
