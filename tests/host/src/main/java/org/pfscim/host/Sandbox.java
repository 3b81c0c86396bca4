package org.pfscim.host;

import java.lang.reflect.Member;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Enumeration;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import ognl.ClassResolver;
import ognl.ElementsAccessor;
import ognl.MemberAccess;
import ognl.MethodAccessor;
import ognl.Ognl;
import ognl.OgnlContext;
import ognl.OgnlException;
import ognl.OgnlRuntime;
import ognl.PropertyAccessor;
import ognl.TypeConverter;

/**
 * Evaluates expressions that have been checked, with everything shut by which OGNL reaches classes: the second of two
 * fences, the other is {@link CheckedExpression}. OGNL's accessors are those of the whole JVM, so a host that evaluates
 * expressions does nothing else.
 */
final class Sandbox {
    /** Characters of all values that one expression is given: each may occur in it a thousand times. */
    static final int MAX_INPUT = 32 * 1024;

    private static final Locked LOCKED = new Locked();

    static {
        Class<?>[] types = {Object.class, byte[].class, short[].class, char[].class, int[].class, long[].class, float[].class,
            double[].class, Object[].class, List.class, Map.class, Set.class, Iterator.class, Enumeration.class};
        for (Class<?> type : types) {
            OgnlRuntime.setMethodAccessor(type, LOCKED);
            OgnlRuntime.setPropertyAccessor(type, LOCKED);
        }
        // OGNL counts up to a number that is searched in.
        OgnlRuntime.setElementsAccessor(Number.class, LOCKED);
    }

    private Sandbox() {
    }

    /**
     * The values of an expression: none where it comes to nothing.
     *
     * @param variables the values of each name that it may use; none is null to the expression, one a text, several a list
     * @throws Refusal where it comes to no text, number, truth value or list of these
     */
    static List<String> evaluate(CheckedExpression expression, Map<String, List<String>> variables) {
        int length = variables.values().stream().flatMap(List::stream).mapToInt(String::length).sum();
        if (length > MAX_INPUT) {
            throw new Refusal("the values of its attributes have more than " + MAX_INPUT + " characters");
        }
        // Where there is no root, OGNL answers null for every chain; this one cannot be reached.
        Object root = "";
        OgnlContext context = Ognl.createDefaultContext(root, LOCKED, LOCKED, LOCKED);
        variables.forEach((name, values) -> context.put(name, variable(values)));
        try {
            return result(Ognl.getValue(expression.tree(), context, root));
        } catch (OgnlException failure) {
            throw refusal(failure.getReason() == null ? failure : failure.getReason());
        } catch (RuntimeException failure) {
            throw refusal(failure);
        }
    }

    private static Object variable(List<String> values) {
        if (values.isEmpty()) {
            return null;
        }
        return values.size() == 1 ? values.get(0) : Collections.unmodifiableList(new ArrayList<>(values));
    }

    private static List<String> result(Object value) {
        List<?> all = value instanceof List ? (List<?>) value : Collections.singletonList(value);
        List<String> texts = new ArrayList<>();
        int length = 0;
        for (Object one : all) {
            if (one instanceof String || one instanceof Character || one instanceof Number || one instanceof Boolean) {
                String text = one.toString();
                length += text.length();
                if (length > Methods.MAX_TEXT) {
                    throw Methods.tooLong();
                }
                texts.add(text);
            } else if (one != null) {
                throw new Refusal("it comes to something that is no text, number or list of these");
            }
        }
        return texts;
    }

    /** What went wrong, in words of our own: those of an exception may repeat a value. */
    private static Refusal refusal(Throwable failure) {
        if (failure instanceof Refusal) {
            return (Refusal) failure;
        }
        if (failure instanceof NullPointerException) {
            return new Refusal(Methods.MISSING);
        }
        if (failure instanceof NumberFormatException) {
            return new Refusal("it counts with or compares a text that is no number (text of one character is written "
                + "in double quotes)");
        }
        if (failure instanceof IndexOutOfBoundsException) {
            return new Refusal("it asks for a position that is not there");
        }
        if (failure instanceof ArithmeticException) {
            return new Refusal("it divides by zero");
        }
        return new Refusal("it cannot be evaluated with the values of this user (" + failure.getClass().getSimpleName() + ")");
    }

    /** Every way that OGNL has out of an expression: listed methods, positions of lists, and nothing else. */
    private static final class Locked
        implements MemberAccess, ClassResolver, TypeConverter, MethodAccessor, PropertyAccessor, ElementsAccessor {

        private static Refusal locked() {
            return new Refusal("it reaches for something that is not allowed");
        }

        @Override
        public Object callMethod(OgnlContext context, Object target, String name, Object[] arguments) {
            return Methods.call(target, name, arguments);
        }

        @Override
        public Object getProperty(OgnlContext context, Object target, Object name) {
            if (!(name instanceof Integer)) {
                throw new Refusal("a position is a whole number");
            }
            int position = (Integer) name;
            if (target instanceof List) {
                return ((List<?>) target).get(position);
            }
            // An attribute with one value is that value, but may have several for another user.
            if (target instanceof String && position == 0) {
                return target;
            }
            throw new IndexOutOfBoundsException();
        }

        @Override
        public boolean isAccessible(OgnlContext context, Object target, Member member, String property) {
            return false;
        }

        @Override
        public Object setup(OgnlContext context, Object target, Member member, String property) {
            throw locked();
        }

        @Override
        public void restore(OgnlContext context, Object target, Member member, String property, Object state) {
            throw locked();
        }

        @Override
        public <T> Class<T> classForName(String name, OgnlContext context) {
            throw locked();
        }

        @Override
        public Object convertValue(OgnlContext context, Object target, Member member, String property, Object value,
            Class<?> type) {
            throw locked();
        }

        @Override
        public Object callStaticMethod(OgnlContext context, Class<?> type, String name, Object[] arguments) {
            throw locked();
        }

        @Override
        public void setProperty(OgnlContext context, Object target, Object name, Object value) {
            throw locked();
        }

        @Override
        public String getSourceAccessor(OgnlContext context, Object target, Object index) {
            throw locked();
        }

        @Override
        public String getSourceSetter(OgnlContext context, Object target, Object index) {
            throw locked();
        }

        @Override
        public Enumeration<?> getElements(Object target) {
            throw locked();
        }
    }
}
