package org.pfscim.host;

import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import ognl.ASTChain;
import ognl.ASTConst;
import ognl.ASTMethod;
import ognl.ASTProperty;
import ognl.Node;
import ognl.Ognl;
import ognl.OgnlException;

/**
 * An expression of which every part is one that may be evaluated: the first of two fences, the other is {@link Sandbox}.
 *
 * <p>What is allowed is listed, so that whatever OGNL can do besides is refused: static members, constructors, classes,
 * assignments, lambdas, projections, the context and its own variables.
 */
final class CheckedExpression {
    static final int MAX_LENGTH = 4096;

    /** More parts within parts than people write; OGNL reads and evaluates them by recursion. */
    static final int MAX_DEPTH = 50;

    /** Variables of OGNL's own; all others begin with an underscore. */
    private static final Set<String> OWN = new HashSet<>(Arrays.asList("this", "root", "context"));

    private static final Set<String> ALLOWED = new HashSet<>();
    private static final Map<String, String> WORDS = new HashMap<>();

    static {
        for (String node : new String[] {"Add", "Subtract", "Multiply", "Divide", "Remainder", "Negate", "Eq", "NotEq",
            "Less", "LessEq", "Greater", "GreaterEq", "And", "Or", "Not", "Test", "In", "NotIn", "List", "Const", "VarRef",
            "Chain", "Method", "Property"}) {
            ALLOWED.add("ognl.AST" + node);
        }
        WORDS.put("ognl.ASTStaticMethod", "static methods (@class@method)");
        WORDS.put("ognl.ASTStaticField", "static fields (@class@field)");
        WORDS.put("ognl.ASTCtor", "constructors (new)");
        WORDS.put("ognl.ASTInstanceof", "class names (instanceof)");
        WORDS.put("ognl.ASTAssign", "assignments (=)");
        WORDS.put("ognl.ASTSequence", "sequences (,)");
        WORDS.put("ognl.ASTEval", "evaluations of results");
        WORDS.put("ognl.ASTMap", "maps (#{...})");
        WORDS.put("ognl.ASTProject", "projections ({...} behind a list)");
        WORDS.put("ognl.ASTSelect", "selections ({? ...})");
        WORDS.put("ognl.ASTSelectFirst", "selections ({^ ...})");
        WORDS.put("ognl.ASTSelectLast", "selections ({$ ...})");
        WORDS.put("ognl.ASTThisVarRef", "#this");
        WORDS.put("ognl.ASTRootVarRef", "#root");
    }

    private final Node tree;

    private CheckedExpression(Node tree) {
        this.tree = tree;
    }

    /**
     * Reads an expression.
     *
     * @param variables the names that it may use
     * @throws Refusal where it cannot be read or holds a part that is not allowed
     */
    static CheckedExpression read(String text, Collection<String> variables) {
        if (text.length() > MAX_LENGTH) {
            throw new Refusal("it is longer than " + MAX_LENGTH + " characters");
        }
        Node tree;
        try {
            tree = (Node) Ognl.parseExpression(text);
        } catch (OgnlException unreadable) {
            throw new Refusal("it is no OGNL that can be read");
        }
        new Walk(variables).check(tree, null, 0, 1);
        return new CheckedExpression(tree);
    }

    Node tree() {
        return tree;
    }

    private static final class Walk {
        private final Collection<String> variables;

        Walk(Collection<String> variables) {
            this.variables = variables;
        }

        /** Checks a node and everything below it. */
        void check(Node node, Node parent, int position, int depth) {
            if (depth > MAX_DEPTH) {
                throw tooDeep();
            }
            String kind = node.getClass().getName();
            if (!ALLOWED.contains(kind)) {
                throw new Refusal(WORDS.getOrDefault(kind, "parts of the kind " + node.getClass().getSimpleName())
                    + " are not allowed");
            }
            boolean afterValue = parent instanceof ASTChain && position > 0;
            if (kind.equals("ognl.ASTVarRef")) {
                variable(node.toString().substring(1));
            } else if (node instanceof ASTConst) {
                constant(((ASTConst) node).getValue());
            } else if (node instanceof ASTMethod) {
                method(((ASTMethod) node).getMethodName(), afterValue);
            } else if (node instanceof ASTProperty) {
                property((ASTProperty) node, afterValue);
            }
            for (int i = 0; i < node.jjtGetNumChildren(); i++) {
                check(node.jjtGetChild(i), node, i, depth + 1);
            }
        }

        private void variable(String name) {
            if (OWN.contains(name) || name.startsWith("_")) {
                throw new Refusal("#" + shown(name) + " is not allowed");
            }
            if (!variables.contains(name)) {
                throw new Refusal("#" + shown(name) + " is not an attribute of this mapping"
                    + (variables.isEmpty() ? "" : "; there are " + shown(String.join(", ", variables))));
            }
        }

        /** Big numbers cost any time and memory; an expression as a value is a function. */
        private static void constant(Object value) {
            if (value != null && !(value instanceof String) && !(value instanceof Character) && !(value instanceof Boolean)
                && !(value instanceof Integer) && !(value instanceof Long) && !(value instanceof Double)
                && !(value instanceof Float)) {
                throw new Refusal("only texts, numbers, true, false and null may be written out");
            }
        }

        private static void method(String name, boolean afterValue) {
            if (!afterValue) {
                throw new Refusal(shown(name) + "() needs a value before it");
            }
            if (!Methods.isKnown(name)) {
                throw new Refusal("the method " + shown(name) + " is not allowed");
            }
        }

        private static void property(ASTProperty property, boolean afterValue) {
            if (!property.isIndexedAccess()) {
                throw new Refusal("the property " + shown(property.toString())
                    + " is not allowed: attributes are written #name, and only methods follow a value");
            }
            if (!afterValue) {
                throw new Refusal("[...] needs a list before it");
            }
        }
    }

    static Refusal tooDeep() {
        return new Refusal("it is nested more than " + MAX_DEPTH + " deep");
    }

    /** What an expression says, as far as a message has room. */
    private static String shown(String text) {
        int room = 80;
        return Text.oneLine(text.length() > room ? text.substring(0, room) + "..." : text);
    }
}
