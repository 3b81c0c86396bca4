package org.pfscim.host;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Implements the methods that an expression may call. No method is looked up in a class.
 *
 * <p>Methods with regular expressions are left out, because their time has no bound. Methods that make texts longer check
 * the length first.
 */
final class Methods {
    /** Limit of a text in characters. */
    static final int TEXT_CHARS_MAX = 64 * 1024;

    /** Message for an expression that uses a missing value. */
    static final String MISSING_VALUE = "a required value is missing";

    private static final Map<String, Implementation<String>> TEXT_METHODS = new HashMap<>();
    private static final Map<String, Implementation<Number>> NUMBER_METHODS = new HashMap<>();
    private static final Map<String, Implementation<List<?>>> LIST_METHODS = new HashMap<>();
    private static final Map<String, Implementation<Object>> COMMON_METHODS = new HashMap<>();
    private static final Set<String> NAMES = new HashSet<>();

    static {
        TEXT_METHODS.put("length/0", (text, a) -> text.length());
        TEXT_METHODS.put("isEmpty/0", (text, a) -> text.isEmpty());
        TEXT_METHODS.put("trim/0", (text, a) -> text.trim());
        TEXT_METHODS.put("toLowerCase/0", (text, a) -> text.toLowerCase(Locale.ROOT));
        TEXT_METHODS.put("toUpperCase/0", (text, a) -> text.toUpperCase(Locale.ROOT));
        TEXT_METHODS.put("charAt/1", (text, a) -> text.charAt(number(a, 0)));
        TEXT_METHODS.put("substring/1", (text, a) -> text.substring(number(a, 0)));
        TEXT_METHODS.put("substring/2", (text, a) -> text.substring(number(a, 0), number(a, 1)));
        TEXT_METHODS.put("indexOf/1", (text, a) -> text.indexOf(text(a, 0)));
        TEXT_METHODS.put("indexOf/2", (text, a) -> text.indexOf(text(a, 0), number(a, 1)));
        TEXT_METHODS.put("lastIndexOf/1", (text, a) -> text.lastIndexOf(text(a, 0)));
        TEXT_METHODS.put("lastIndexOf/2", (text, a) -> text.lastIndexOf(text(a, 0), number(a, 1)));
        TEXT_METHODS.put("startsWith/1", (text, a) -> text.startsWith(text(a, 0)));
        TEXT_METHODS.put("endsWith/1", (text, a) -> text.endsWith(text(a, 0)));
        TEXT_METHODS.put("contains/1", (text, a) -> text.contains(text(a, 0)));
        TEXT_METHODS.put("equalsIgnoreCase/1", (text, a) -> text.equalsIgnoreCase(text(a, 0)));
        TEXT_METHODS.put("compareTo/1", (text, a) -> text.compareTo(text(a, 0)));
        TEXT_METHODS.put("compareToIgnoreCase/1", (text, a) -> text.compareToIgnoreCase(text(a, 0)));
        TEXT_METHODS.put("concat/1", (text, a) -> text.concat(text(a, 0)));
        TEXT_METHODS.put("replace/2", (text, a) -> replace(text, text(a, 0), text(a, 1)));
        NUMBER_METHODS.put("intValue/0", (number, a) -> number.intValue());
        NUMBER_METHODS.put("longValue/0", (number, a) -> number.longValue());
        NUMBER_METHODS.put("doubleValue/0", (number, a) -> number.doubleValue());
        LIST_METHODS.put("size/0", (list, a) -> list.size());
        LIST_METHODS.put("isEmpty/0", (list, a) -> list.isEmpty());
        LIST_METHODS.put("get/1", (list, a) -> list.get(number(a, 0)));
        LIST_METHODS.put("contains/1", (list, a) -> list.contains(a[0]));
        LIST_METHODS.put("indexOf/1", (list, a) -> list.indexOf(a[0]));
        LIST_METHODS.put("lastIndexOf/1", (list, a) -> list.lastIndexOf(a[0]));
        COMMON_METHODS.put("toString/0", (any, a) -> any.toString());
        COMMON_METHODS.put("equals/1", (any, a) -> any.equals(a[0]));
        Stream.of(TEXT_METHODS, NUMBER_METHODS, LIST_METHODS, COMMON_METHODS).flatMap(table -> table.keySet().stream())
            .forEach(key -> NAMES.add(key.substring(0, key.indexOf('/'))));
    }

    private Methods() {
    }

    /** Returns whether a value of any type has a method with this name. */
    static boolean isKnown(String name) {
        return NAMES.contains(name);
    }

    /** Calls a method on a text, number, truth value or list. */
    static Object call(Object target, String name, Object[] arguments) {
        // OGNL reads a text of one character in single quotes as a character.
        Object value = target instanceof Character ? target.toString() : target;
        Object[] values = new Object[arguments.length];
        for (int i = 0; i < values.length; i++) {
            values[i] = arguments[i] instanceof Character ? arguments[i].toString() : arguments[i];
        }
        String key = name + "/" + values.length;
        Object result;
        if (value instanceof String && TEXT_METHODS.containsKey(key)) {
            result = TEXT_METHODS.get(key).call((String) value, values);
        } else if (value instanceof Number && NUMBER_METHODS.containsKey(key)) {
            result = NUMBER_METHODS.get(key).call((Number) value, values);
        } else if (value instanceof List && LIST_METHODS.containsKey(key)) {
            result = LIST_METHODS.get(key).call((List<?>) value, values);
        } else if (COMMON_METHODS.containsKey(key)) {
            result = COMMON_METHODS.get(key).call(value, values);
        } else {
            throw new ExpressionException("the method " + name + " is not allowed for this value or this number of arguments");
        }
        if (result instanceof String && ((String) result).length() > TEXT_CHARS_MAX) {
            throw tooLong();
        }
        return result;
    }

    private static String replace(String text, String old, String replacement) {
        // An empty old text is replaced before, between and after all characters.
        long times = old.isEmpty() ? text.length() + 1L : text.length() / old.length();
        if (text.length() + times * replacement.length() > 16L * TEXT_CHARS_MAX) {
            throw tooLong();
        }
        return text.replace(old, replacement);
    }

    static ExpressionException tooLong() {
        return new ExpressionException("a text has more than " + TEXT_CHARS_MAX + " characters");
    }

    private static String text(Object[] arguments, int position) {
        if (arguments[position] instanceof String) {
            return (String) arguments[position];
        }
        throw new ExpressionException(
            arguments[position] == null ? MISSING_VALUE : "the argument of a method must be a text");
    }

    private static int number(Object[] arguments, int position) {
        if (arguments[position] instanceof Number) {
            return ((Number) arguments[position]).intValue();
        }
        throw new ExpressionException(
            arguments[position] == null ? MISSING_VALUE : "the argument of a method must be a number");
    }

    private interface Implementation<T> {
        Object call(T target, Object[] arguments);
    }
}
