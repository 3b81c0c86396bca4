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
 * Checks that every part of an expression is allowed. This is the first of two checks; the second is {@link Sandbox}.
 *
 * <p>The allowed parts are listed. All other parts of OGNL are rejected: static members, constructors, classes,
 * assignments, lambdas, projections, the context and the variables of OGNL.
 */
final class CheckedExpression {
    static final int CHARS_MAX = 4096;

    /** Levels of nesting. OGNL parses and evaluates by recursion; expressions in real mappings are less deep. */
    static final int DEPTH_MAX = 50;

    /** Variables that OGNL defines. Its other variables begin with an underscore. */
    private static final Set<String> OGNL_VARIABLES = new HashSet<>(Arrays.asList("this", "root", "context"));

    private static final Set<String> ALLOWED_NODES = new HashSet<>();
    private static final Map<String, String> NODE_NAMES = new HashMap<>();

    static {
        for (String node : new String[] {"Add", "Subtract", "Multiply", "Divide", "Remainder", "Negate", "Eq", "NotEq",
            "Less", "LessEq", "Greater", "GreaterEq", "And", "Or", "Not", "Test", "In", "NotIn", "List", "Const", "VarRef",
            "Chain", "Method", "Property"}) {
            ALLOWED_NODES.add("ognl.AST" + node);
        }
        NODE_NAMES.put("ognl.ASTStaticMethod", "static methods (@class@method)");
        NODE_NAMES.put("ognl.ASTStaticField", "static fields (@class@field)");
        NODE_NAMES.put("ognl.ASTCtor", "constructors (new)");
        NODE_NAMES.put("ognl.ASTInstanceof", "class names (instanceof)");
        NODE_NAMES.put("ognl.ASTAssign", "assignments (=)");
        NODE_NAMES.put("ognl.ASTSequence", "sequences (,)");
        NODE_NAMES.put("ognl.ASTEval", "evaluations of results");
        NODE_NAMES.put("ognl.ASTMap", "maps (#{...})");
        NODE_NAMES.put("ognl.ASTProject", "projections ({...} behind a list)");
        NODE_NAMES.put("ognl.ASTSelect", "selections ({? ...})");
        NODE_NAMES.put("ognl.ASTSelectFirst", "selections ({^ ...})");
        NODE_NAMES.put("ognl.ASTSelectLast", "selections ({$ ...})");
        NODE_NAMES.put("ognl.ASTThisVarRef", "#this");
        NODE_NAMES.put("ognl.ASTRootVarRef", "#root");
    }

    private final Node tree;

    private CheckedExpression(Node tree) {
        this.tree = tree;
    }

    /**
     * Parses and checks an expression.
     *
     * @param variables the names that it may use
     * @throws ExpressionException if it cannot be parsed or contains a part that is not allowed
     */
    static CheckedExpression parse(String text, Collection<String> variables) {
        if (text.length() > CHARS_MAX) {
            throw new ExpressionException("more than " + CHARS_MAX + " characters");
        }
        Node tree;
        try {
            tree = (Node) Ognl.parseExpression(text);
        } catch (OgnlException invalid) {
            throw new ExpressionException("not a valid OGNL expression");
        }
        new Checker(variables).check(tree, null, 0, 1);
        return new CheckedExpression(tree);
    }

    Node tree() {
        return tree;
    }

    private static final class Checker {
        private final Collection<String> variables;

        Checker(Collection<String> variables) {
            this.variables = variables;
        }

        /** Checks a node and all nodes below it. */
        void check(Node node, Node parent, int position, int depth) {
            if (depth > DEPTH_MAX) {
                throw tooDeep();
            }
            String kind = node.getClass().getName();
            if (!ALLOWED_NODES.contains(kind)) {
                String part = "parts of the kind " + node.getClass().getSimpleName().replaceFirst("^AST", "");
                throw new ExpressionException(NODE_NAMES.getOrDefault(kind, part) + " are not allowed");
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
            if (OGNL_VARIABLES.contains(name) || name.startsWith("_")) {
                throw new ExpressionException("#" + excerpt(name) + " is not allowed");
            }
            if (!variables.contains(name)) {
                throw new ExpressionException("#" + excerpt(name) + " is not an attribute of this mapping"
                    + (variables.isEmpty() ? "" : " (" + excerpt(String.join(", ", variables)) + ")")
                    + "; correct the name, or add the attribute to the mapping");
            }
        }

        /** Rejects big numbers, which have no limit in time and memory, and expressions as values, which are functions. */
        private static void constant(Object value) {
            if (value != null && !(value instanceof String) && !(value instanceof Character) && !(value instanceof Boolean)
                && !(value instanceof Integer) && !(value instanceof Long) && !(value instanceof Double)
                && !(value instanceof Float)) {
                throw new ExpressionException("only texts, numbers, true, false and null are allowed as constants");
            }
        }

        private static void method(String name, boolean afterValue) {
            if (!afterValue) {
                throw new ExpressionException(excerpt(name) + "() needs a value before it");
            }
            if (!Methods.isKnown(name)) {
                throw new ExpressionException("the method " + excerpt(name) + " is not allowed");
            }
        }

        private static void property(ASTProperty property, boolean afterValue) {
            if (!property.isIndexedAccess()) {
                throw new ExpressionException("the property " + excerpt(property.toString())
                    + " is not allowed; write an attribute as #name and a method as value.name()");
            }
            if (!afterValue) {
                throw new ExpressionException("[...] needs a list before it");
            }
        }
    }

    static ExpressionException tooDeep() {
        return new ExpressionException("nested more than " + DEPTH_MAX + " levels deep");
    }

    /** Returns a part of an expression for a message, on one line and with at most 80 characters. */
    private static String excerpt(String text) {
        int charsMax = 80;
        return Text.oneLine(text.length() > charsMax ? text.substring(0, charsMax) + "..." : text);
    }
}
