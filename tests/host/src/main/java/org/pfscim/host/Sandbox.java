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
 * Evaluates checked expressions. All ways by which OGNL reaches classes are closed. This is the second of two checks; the
 * first is {@link CheckedExpression}.
 *
 * <p>The accessors of OGNL are global in a JVM, so a host that evaluates expressions has no other task.
 */
final class Sandbox {
    /** Limit of all values of one expression in characters. An expression may use each value a thousand times. */
    static final int INPUT_CHARS_MAX = 32 * 1024;

    private static final RestrictedAccess ACCESS = new RestrictedAccess();

    static {
        Class<?>[] types = {Object.class, byte[].class, short[].class, char[].class, int[].class, long[].class, float[].class,
            double[].class, Object[].class, List.class, Map.class, Set.class, Iterator.class, Enumeration.class};
        for (Class<?> type : types) {
            OgnlRuntime.setMethodAccessor(type, ACCESS);
            OgnlRuntime.setPropertyAccessor(type, ACCESS);
        }
        // For `in NUMBER`, OGNL would count up to the number.
        OgnlRuntime.setElementsAccessor(Number.class, ACCESS);
    }

    private Sandbox() {
    }

    /**
     * Returns the values of an expression: an empty list if the result is null.
     *
     * @param variables the values of each variable; in the expression, no value is null, and several values are a list
     * @throws ExpressionException if the result is not a text, number, truth value or list of these
     */
    static List<String> evaluate(CheckedExpression expression, Map<String, List<String>> variables) {
        int length = variables.values().stream().flatMap(List::stream).mapToInt(String::length).sum();
        if (length > INPUT_CHARS_MAX) {
            throw new ExpressionException("the values of the attributes have more than " + INPUT_CHARS_MAX + " characters");
        }
        // Without a root, OGNL returns null for every chain. An expression cannot reach this root.
        Object root = "";
        OgnlContext context = Ognl.createDefaultContext(root, ACCESS, ACCESS, ACCESS);
        variables.forEach((name, values) -> context.put(name, variable(values)));
        try {
            return texts(Ognl.getValue(expression.tree(), context, root));
        } catch (OgnlException failure) {
            throw toExpressionException(failure.getReason() == null ? failure : failure.getReason());
        } catch (RuntimeException failure) {
            throw toExpressionException(failure);
        }
    }

    private static Object variable(List<String> values) {
        if (values.isEmpty()) {
            return null;
        }
        return values.size() == 1 ? values.get(0) : Collections.unmodifiableList(new ArrayList<>(values));
    }

    private static List<String> texts(Object value) {
        List<?> all = value instanceof List ? (List<?>) value : Collections.singletonList(value);
        List<String> texts = new ArrayList<>();
        int length = 0;
        for (Object item : all) {
            if (item instanceof String || item instanceof Character || item instanceof Number || item instanceof Boolean) {
                String text = item.toString();
                length += text.length();
                if (length > Methods.TEXT_CHARS_MAX) {
                    throw Methods.tooLong();
                }
                texts.add(text);
            } else if (item != null) {
                throw new ExpressionException("the result must be a text, a number, a truth value or a list of these");
            }
        }
        return texts;
    }

    /** Returns a failure with a fixed text, because the message of an exception may contain a value. */
    private static ExpressionException toExpressionException(Throwable failure) {
        if (failure instanceof ExpressionException) {
            return (ExpressionException) failure;
        }
        if (failure instanceof NullPointerException) {
            return new ExpressionException(Methods.MISSING_VALUE);
        }
        if (failure instanceof NumberFormatException) {
            return new ExpressionException("a text that is not a number is used as a number; "
                + "write a text of one character in double quotes");
        }
        if (failure instanceof IndexOutOfBoundsException) {
            return new ExpressionException("a position is outside of the text or list");
        }
        if (failure instanceof ArithmeticException) {
            return new ExpressionException("division by zero");
        }
        return new ExpressionException("evaluation failed with the values of this user");
    }

    /** Allows the listed methods and positions of lists. Rejects all other access of OGNL. */
    private static final class RestrictedAccess
        implements MemberAccess, ClassResolver, TypeConverter, MethodAccessor, PropertyAccessor, ElementsAccessor {

        private static ExpressionException notAllowed() {
            return new ExpressionException("access to a class, field or method that is not allowed");
        }

        @Override
        public Object callMethod(OgnlContext context, Object target, String name, Object[] arguments) {
            return Methods.call(target, name, arguments);
        }

        @Override
        public Object getProperty(OgnlContext context, Object target, Object name) {
            if (!(name instanceof Integer)) {
                throw new ExpressionException("a position must be a whole number");
            }
            int position = (Integer) name;
            if (target instanceof List) {
                return ((List<?>) target).get(position);
            }
            // An attribute with one value is a text, but another user may have several values.
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
            throw notAllowed();
        }

        @Override
        public void restore(OgnlContext context, Object target, Member member, String property, Object state) {
            throw notAllowed();
        }

        @Override
        public <T> Class<T> classForName(String name, OgnlContext context) {
            throw notAllowed();
        }

        @Override
        public Object convertValue(OgnlContext context, Object target, Member member, String property, Object value,
            Class<?> type) {
            throw notAllowed();
        }

        @Override
        public Object callStaticMethod(OgnlContext context, Class<?> type, String name, Object[] arguments) {
            throw notAllowed();
        }

        @Override
        public void setProperty(OgnlContext context, Object target, Object name, Object value) {
            throw notAllowed();
        }

        @Override
        public String getSourceAccessor(OgnlContext context, Object target, Object index) {
            throw notAllowed();
        }

        @Override
        public String getSourceSetter(OgnlContext context, Object target, Object index) {
            throw notAllowed();
        }

        @Override
        public Enumeration<?> getElements(Object target) {
            throw notAllowed();
        }
    }
}
