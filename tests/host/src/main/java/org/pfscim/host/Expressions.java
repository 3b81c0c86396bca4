package org.pfscim.host;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Handles the calls that evaluate expressions of attribute mappings.
 * Does not know: plugins.
 *
 * <p>{@code parse} ({@code expression}, {@code n=NAME}...) fails if an expression is not allowed. {@code evaluate} (the same
 * arguments, and {@code v.NAME=VALUE}...) returns {@code value=}... A name without value is null in the expression.
 */
final class Expressions implements Service {
    private static final long EVALUATION_TIMEOUT_MILLIS = 1000;

    private final TimeLimit limit;

    Expressions() {
        this(new TimeLimit(EVALUATION_TIMEOUT_MILLIS));
    }

    Expressions(TimeLimit limit) {
        this.limit = limit;
        // Loads the classes of OGNL, so that the time limit of the first expression does not include it.
        Map<String, List<String>> values = Collections.singletonMap("a", Collections.singletonList("b"));
        Sandbox.evaluate(CheckedExpression.parse("#a + ' ' + #a.length()", values.keySet()), values);
    }

    @Override
    public Request.Handler handler(String call) {
        switch (call) {
            case "parse": return this::parse;
            case "evaluate": return this::evaluate;
            default: return null;
        }
    }

    @Override
    public boolean isOperation(String call) {
        return false;
    }

    @Override
    public void closeSession() {
        // Expressions have no session.
    }

    private Args parse(Request request) throws Exception {
        limit.run(() -> checked(request.args()));
        return new Args();
    }

    private Args evaluate(Request request) throws Exception {
        Args args = request.args();
        Map<String, List<String>> variables = new LinkedHashMap<>();
        args.values("n").forEach(name -> variables.put(name, args.values("v." + name)));
        Args response = new Args();
        limit.run(() -> Sandbox.evaluate(checked(args), variables)).forEach(value -> response.add("value", value));
        return response;
    }

    private static CheckedExpression checked(Args args) {
        String expression = args.get("expression");
        if (expression == null) {
            throw new ExpressionException("the expression is missing");
        }
        return CheckedExpression.parse(expression, args.values("n"));
    }
}
