package org.pfscim.host;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The methods that an expression may call, each written out here: nothing is looked up in a class. Those that take
 * regular expressions are left out, as these can take any time; those that make texts longer look at the length first.
 */
final class Methods {
    /** Characters that a text may have. */
    static final int MAX_TEXT = 64 * 1024;

    /** Why an expression is refused that needs a value where it has none. */
    static final String MISSING = "a value that it needs is missing";

    private static final Map<String, Body<String>> OF_TEXTS = new HashMap<>();
    private static final Map<String, Body<Number>> OF_NUMBERS = new HashMap<>();
    private static final Map<String, Body<List<?>>> OF_LISTS = new HashMap<>();
    private static final Map<String, Body<Object>> OF_ALL = new HashMap<>();
    private static final Set<String> NAMES = new HashSet<>();

    static {
        OF_TEXTS.put("length/0", (text, a) -> text.length());
        OF_TEXTS.put("isEmpty/0", (text, a) -> text.isEmpty());
        OF_TEXTS.put("trim/0", (text, a) -> text.trim());
        OF_TEXTS.put("toLowerCase/0", (text, a) -> text.toLowerCase(Locale.ROOT));
        OF_TEXTS.put("toUpperCase/0", (text, a) -> text.toUpperCase(Locale.ROOT));
        OF_TEXTS.put("charAt/1", (text, a) -> text.charAt(number(a, 0)));
        OF_TEXTS.put("substring/1", (text, a) -> text.substring(number(a, 0)));
        OF_TEXTS.put("substring/2", (text, a) -> text.substring(number(a, 0), number(a, 1)));
        OF_TEXTS.put("indexOf/1", (text, a) -> text.indexOf(text(a, 0)));
        OF_TEXTS.put("indexOf/2", (text, a) -> text.indexOf(text(a, 0), number(a, 1)));
        OF_TEXTS.put("lastIndexOf/1", (text, a) -> text.lastIndexOf(text(a, 0)));
        OF_TEXTS.put("lastIndexOf/2", (text, a) -> text.lastIndexOf(text(a, 0), number(a, 1)));
        OF_TEXTS.put("startsWith/1", (text, a) -> text.startsWith(text(a, 0)));
        OF_TEXTS.put("endsWith/1", (text, a) -> text.endsWith(text(a, 0)));
        OF_TEXTS.put("contains/1", (text, a) -> text.contains(text(a, 0)));
        OF_TEXTS.put("equalsIgnoreCase/1", (text, a) -> text.equalsIgnoreCase(text(a, 0)));
        OF_TEXTS.put("compareTo/1", (text, a) -> text.compareTo(text(a, 0)));
        OF_TEXTS.put("compareToIgnoreCase/1", (text, a) -> text.compareToIgnoreCase(text(a, 0)));
        OF_TEXTS.put("concat/1", (text, a) -> text.concat(text(a, 0)));
        OF_TEXTS.put("replace/2", (text, a) -> replace(text, text(a, 0), text(a, 1)));
        OF_NUMBERS.put("intValue/0", (number, a) -> number.intValue());
        OF_NUMBERS.put("longValue/0", (number, a) -> number.longValue());
        OF_NUMBERS.put("doubleValue/0", (number, a) -> number.doubleValue());
        OF_LISTS.put("size/0", (list, a) -> list.size());
        OF_LISTS.put("isEmpty/0", (list, a) -> list.isEmpty());
        OF_LISTS.put("get/1", (list, a) -> list.get(number(a, 0)));
        OF_LISTS.put("contains/1", (list, a) -> list.contains(a[0]));
        OF_LISTS.put("indexOf/1", (list, a) -> list.indexOf(a[0]));
        OF_LISTS.put("lastIndexOf/1", (list, a) -> list.lastIndexOf(a[0]));
        OF_ALL.put("toString/0", (any, a) -> any.toString());
        OF_ALL.put("equals/1", (any, a) -> any.equals(a[0]));
        Stream.of(OF_TEXTS, OF_NUMBERS, OF_LISTS, OF_ALL).flatMap(table -> table.keySet().stream())
            .forEach(key -> NAMES.add(key.substring(0, key.indexOf('/'))));
    }

    private Methods() {
    }

    /** Whether any value has a method of that name. */
    static boolean isKnown(String name) {
        return NAMES.contains(name);
    }

    /** Calls a method of a text, number, truth value or list. */
    static Object call(Object target, String name, Object[] arguments) {
        // OGNL reads a text of one character in single quotes as a character.
        Object value = target instanceof Character ? target.toString() : target;
        Object[] values = new Object[arguments.length];
        for (int i = 0; i < values.length; i++) {
            values[i] = arguments[i] instanceof Character ? arguments[i].toString() : arguments[i];
        }
        String key = name + "/" + values.length;
        Object result;
        if (value instanceof String && OF_TEXTS.containsKey(key)) {
            result = OF_TEXTS.get(key).call((String) value, values);
        } else if (value instanceof Number && OF_NUMBERS.containsKey(key)) {
            result = OF_NUMBERS.get(key).call((Number) value, values);
        } else if (value instanceof List && OF_LISTS.containsKey(key)) {
            result = OF_LISTS.get(key).call((List<?>) value, values);
        } else if (OF_ALL.containsKey(key)) {
            result = OF_ALL.get(key).call(value, values);
        } else {
            throw new Refusal("the method " + name + " is not allowed there, or not with as many arguments");
        }
        if (result instanceof String && ((String) result).length() > MAX_TEXT) {
            throw tooLong();
        }
        return result;
    }

    private static String replace(String text, String old, String by) {
        // Between and around all characters where nothing is replaced by something.
        long times = old.isEmpty() ? text.length() + 1L : text.length() / old.length();
        if (text.length() + times * by.length() > 16L * MAX_TEXT) {
            throw tooLong();
        }
        return text.replace(old, by);
    }

    static Refusal tooLong() {
        return new Refusal("a text in it gets longer than " + MAX_TEXT + " characters");
    }

    private static String text(Object[] arguments, int position) {
        if (arguments[position] instanceof String) {
            return (String) arguments[position];
        }
        throw new Refusal(arguments[position] == null ? MISSING : "a method that takes a text is given something else");
    }

    private static int number(Object[] arguments, int position) {
        if (arguments[position] instanceof Number) {
            return ((Number) arguments[position]).intValue();
        }
        throw new Refusal(arguments[position] == null ? MISSING : "a method that takes a number is given something else");
    }

    private interface Body<T> {
        Object call(T target, Object[] arguments);
    }
}
