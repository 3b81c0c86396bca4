package org.pfscim.host;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The calls of a host that evaluates the expressions of attribute mappings and knows of no plugin. {@code parse}
 * ({@code expression}, {@code n=NAME}...) answers whether an expression may be evaluated, {@code evaluate} (the same, and
 * {@code v.NAME=VALUE}...) with {@code value=}... A name without value is null to the expression.
 */
final class Expressions implements Calls {
    private static final long LIMIT_MILLIS = 1000;

    private final TimeLimit limit;

    Expressions() {
        this(new TimeLimit(LIMIT_MILLIS));
    }

    Expressions(TimeLimit limit) {
        this.limit = limit;
        // Loading OGNL's classes is no expression's fault.
        Map<String, List<String>> values = Collections.singletonMap("a", Collections.singletonList("b"));
        Sandbox.evaluate(CheckedExpression.read("#a + ' ' + #a.length()", values.keySet()), values);
    }

    @Override
    public Call.Work work(String call) {
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
    public void end() {
        // There is no session.
    }

    private Args parse(Call call) throws Exception {
        limit.run(() -> checked(call.args()));
        return new Args();
    }

    private Args evaluate(Call call) throws Exception {
        Args args = call.args();
        Map<String, List<String>> variables = new LinkedHashMap<>();
        args.all("n").forEach(name -> variables.put(name, args.all("v." + name)));
        Args answer = new Args();
        limit.run(() -> Sandbox.evaluate(checked(args), variables)).forEach(value -> answer.add("value", value));
        return answer;
    }

    private static CheckedExpression checked(Args args) {
        String expression = args.get("expression");
        if (expression == null) {
            throw new Refusal("there is no expression");
        }
        return CheckedExpression.read(expression, args.all("n"));
    }
}
