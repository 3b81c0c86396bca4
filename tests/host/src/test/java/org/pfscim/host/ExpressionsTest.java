package org.pfscim.host;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;
import static org.junit.Assert.fail;

import java.io.File;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/** Tests what expressions of attribute mappings can and cannot do. */
public class ExpressionsTest {
    private static final String PROPERTY = "org.pfscim.host.test.reached";

    @Rule
    public final TemporaryFolder folder = new TemporaryFolder();

    private final Map<String, List<String>> attributes = new LinkedHashMap<>();

    public ExpressionsTest() {
        attributes.put("givenName", Collections.singletonList("Jane"));
        attributes.put("sn", Collections.singletonList("Doe"));
        attributes.put("mail", Arrays.asList("jane@example.com", "j.doe@example.com"));
        attributes.put("number", Collections.singletonList("41"));
        attributes.put("middle", Collections.emptyList());
    }

    @Test
    public void attributes_literals_and_operators_make_values() {
        assertValues("#givenName + ' ' + #sn", "Jane Doe");
        assertValues("#sn + \", \" + #givenName", "Doe, Jane");
        assertValues("#middle == null ? #givenName : #middle", "Jane");
        assertValues("#middle != null && #middle.length() > 1 || #sn == \"Doe\"", "true");
        assertValues("#sn in {\"Doe\", \"Roe\"} ? 'staff' : 'guest'", "staff");
        assertValues("#sn not in {\"Doe\", \"Roe\"}", "false");
        assertValues("#number * 1 + 1", "42.0");
        assertValues("(7 - 1) / 2 % 2", "1");
        assertValues("-3 < 2 && 2 <= 2 && 3 > 2 && 3 >= 3 && !false", "true");
        assertValues("'constant'", "constant");
        assertValues("'x'", "x");
        assertValues("\"\\u0041\"", "A");
    }

    @Test
    public void several_values_are_a_list_and_no_value_is_null() {
        assertValues("#mail", "jane@example.com", "j.doe@example.com");
        assertValues("#mail[1]", "j.doe@example.com");
        assertValues("#sn[0]", "Doe");
        assertValues("#mail.get(0) + #mail.size()", "jane@example.com2");
        assertValues("{#givenName, #sn, null}", "Jane", "Doe");
        assertValues("#mail.contains(\"nobody@example.com\") || #mail.isEmpty()", "false");
        assertValues("#middle");
    }

    @Test
    public void texts_numbers_and_lists_have_methods() {
        assertValues("#givenName.toLowerCase().concat('.').concat(#sn.toUpperCase())", "jane.DOE");
        assertValues("#mail[0].substring(0, #mail[0].indexOf('@'))", "jane");
        assertValues("#mail[0].substring(5).replace('.', '-')", "example-com");
        assertValues("' x '.trim().equals('x') && \"ab\".startsWith('a') && \"ab\".endsWith('b') && \"ab\".contains(\"b\")",
            "true");
        assertValues("\"aba\".lastIndexOf('a') + \"ab\".compareTo(\"ab\")", "2");
        assertValues("#sn.charAt(0)", "D");
        assertValues("\"a\".replace('', '-')", "-a-");
        assertValues("4.5.intValue().toString()", "4");
    }

    @Test
    public void a_failure_has_a_reason_without_values_of_the_user() {
        assertRejected("#middle.length()", "a required value is missing");
        assertRejected("#sn * 2", "not a number");
        assertRejected("#sn == 'D'", "double quotes");
        assertRejected("#sn.substring(99)", "position");
        assertRejected("#mail[2]", "position");
        assertRejected("1 / 0", "division by zero");
        assertRejected("#sn.concat(#middle)", "missing");
        assertRejected("#sn.concat(1)", "must be a text");
        assertRejected("{{#sn}}", "the result must be a text");
        assertRejected("#sn.trim(1)", "number of arguments");
    }

    @Test
    public void invalid_ognl_is_rejected() {
        for (String expression : new String[] {"", " ", "#givenName +", "'open", "#", "(((", "\u0000"}) {
            assertRejected(expression, "not a valid OGNL expression");
        }
    }

    @Test
    public void only_the_attributes_of_the_mapping_are_variables() {
        assertRejected("#title",
            "#title is not an attribute of this mapping (givenName, sn, mail, number, middle); correct the name, or add");
        assertRejected("#_memberAccess", "#_memberAccess is not allowed");
        assertRejected("#context", "#context is not allowed");
        attributes.put("context", Collections.singletonList("x"));
        attributes.put("_classResolver", Collections.singletonList("x"));
        assertRejected("#context", "#context is not allowed");
        assertRejected("#_classResolver", "#_classResolver is not allowed");
        assertRejected("givenName", "write an attribute as #name");
        assertValues("#sn", "Doe");
    }

    /** Published attacks on programs that evaluate OGNL, and variants of them. */
    @Test
    public void attacks_are_rejected_and_have_no_effect() throws Exception {
        File marker = new File(folder.getRoot(), "made");
        String run = "@java.lang.Runtime@getRuntime().exec('touch " + marker + "')";
        String set = "@java.lang.System@setProperty('" + PROPERTY + "','x')";
        String[] attacks = {
            run, set, "(" + run + ")", "#sn + " + set, "#sn == null ? 'a' : " + set, "{" + set + "}", "#sn.concat(" + set + ")",
            "@java.lang.Math@PI", "@@max(1,2)", "@java.lang.Runtime@class", "@java.lang.Class@forName('java.lang.Runtime')",
            // Classes from a value.
            "''.getClass().forName('java.lang.Runtime').getMethod('getRuntime',null).invoke(null,null)",
            "#sn.getClass()", "#sn.class", "#sn['class']", "'a'.class.module", "#mail.getClass().getClassLoader()",
            "{1}.getClass()", "1.getClass()", "#sn[\"bytes\"]", "true.getClass()", "#mail.class", "#mail[class]",
            // Constructors.
            "new java.lang.ProcessBuilder({'id'}).start()", "new java.io.File('" + marker + "').createNewFile()",
            "new int[]{1}", "new int[2000000000]", "new java.util.HashMap()",
            // Struts S2-045, S2-057 and similar attacks.
            "(#_='multipart/form-data').(#dm=@ognl.OgnlContext@DEFAULT_MEMBER_ACCESS).(#_memberAccess?(#_memberAccess=#dm):"
                + "((#container=#context['com.opensymphony.xwork2.ActionContext.container'])))",
            "(#dm=@ognl.OgnlContext@DEFAULT_MEMBER_ACCESS).(#ct=#request['struts.valueStack'].context)",
            "#context['xwork.MethodAccessor.denyMethodExecution']=false", "#context['com.opensymphony.xwork2']",
            "#_memberAccess['allowStaticMethodAccess']=true", "#_memberAccess.excludedClasses.clear()",
            "#root", "#this", "#root.getClass()", "#this.class", "#context.memberAccess", "#_ognl_context",
            "#_traceEvaluations", "#_lastEvaluation", "#_keepLastEvaluation", "#_ignoreReadMethods",
            // Names of OGNL with escapes.
            "\\u0040java.lang.System\\u0040setProperty('" + PROPERTY + "','x')", "\\u0023context", "#c\\u006fntext",
            "#\\u005fmemberAccess", "#sn.get\\u0043lass()", "#sn.g\\u0065tClass()", "\\u0023\\u0072oot",
            // Assignments, lambdas, evaluations, projections, selections, maps, sequences.
            "#sn = 'x'", "#a=1", "(#a=1).(#a)", "#sn.x = 1", "#f = :[#this + 1], #f(1)", ":[#this]", ":[33](1)",
            "#sn(1)", "('@java.lang.Runtime@getRuntime()')(1)", "(#sn)(#sn)", "\"#sn\"(null)", "#mail.{#this}",
            "#mail.{? true}", "#mail.{^ true}", "#mail.{$ true}", "#{'a':'b'}", "#@java.util.LinkedHashMap@{'a':'b'}",
            "#sn, #sn", "#sn instanceof java.lang.String", "1 instanceof java.lang.Integer", "#mail[^]", "#mail[*]", "#mail[|]",
            // Methods that are not in the list, or have no value before them.
            "#sn.matches('(a+)+b')", "#sn.replaceAll('(a*)*', 'b')", "#sn.replaceFirst('a', 'b')", "#sn.split('(x+x+)+y')",
            "#sn.intern()", "#sn.getBytes()", "#sn.repeat(1000000000)", "#sn.format('%1000000000d', 1)", "#sn.wait()",
            "#sn.notifyAll()", "#sn.hashCode()", "#sn.chars()", "#sn.describeConstable()", "#mail.stream()",
            "#mail.iterator()", "#mail.add('x')", "#mail.clear()", "#mail.toArray()", "toString()", "hashCode()", "[0]",
            "getClass()", "#sn.(getClass())", "#sn.{toString()}",
            // Time and memory.
            "1 << 2000000000", "1H << 2000000000", "9H * 9H", "1e1000000000B + 1", "1B", "~1", "1 & 1", "1 | 1", "1 ^ 1", "8 >> 1",
            "-1 in 2000000000", "5 not in 2000000000", "#sn in 2000000000L",
        };
        for (String attack : attacks) {
            assertRejected(attack, "");
        }
        assertFalse(marker.exists());
        assertEquals(null, System.getProperty(PROPERTY));
        assertValues("#sn", "Doe");
    }

    @Test
    public void long_deep_and_growing_expressions_are_rejected() throws Exception {
        assertValues(padToLimit("'a'"), "a");
        assertRejected(padToLimit("'a'") + " ", "more than 4096");
        String open = String.join("", Collections.nCopies(2000, "("));
        assertValues(open + "1" + open.replace('(', ')'), "1");
        assertRejected(open + open, "not a valid OGNL expression");
        assertRejected(String.join("", Collections.nCopies(2000, "!")) + "true", "nested");
        assertRejected(String.join("", Collections.nCopies(300, "true ? 1 : ")) + "2", "nested");
        String lists = String.join("", Collections.nCopies(1000, "{"));
        assertRejected(lists + lists.replace('{', '}'), "nested");
        assertRejected("#sn" + String.join("", Collections.nCopies(60, ".replace('', #mail[0])")), "more than 65536");
        assertRejected("'a'" + String.join("", Collections.nCopies(60, ".replace('a', \"aaaaaaaa\")")), "more than 65536");
        attributes.put("long", Collections.singletonList(new String(new char[30000]).replace('\0', 'x')));
        assertValues("#long.length()", "30000");
        assertRejected("#long + #long + #long", "more than 65536");
        assertRejected("{#long, #long, #long}", "more than 65536");
        assertRejected("#long.concat(#long).concat(#long).length()", "more than 65536");
        attributes.put("longer", Collections.singletonList(new String(new char[3000])));
        assertRejected("#sn", "more than 32768");
    }

    @Test
    public void late_tasks_are_abandoned_and_after_the_third_no_task_starts() throws Exception {
        TimeLimit limit = new TimeLimit(5);
        CountDownLatch interrupted = new CountDownLatch(3);
        for (int i = 1; i <= 3; i++) {
            assertEquals("done", new TimeLimit(60_000).run(() -> "done"));
            try {
                limit.run(() -> {
                    try {
                        new CountDownLatch(1).await();
                    } catch (InterruptedException stopped) {
                        interrupted.countDown();
                    }
                    return null;
                });
                fail("the task ended");
            } catch (ExpressionException late) {
                assertEquals("evaluation took more than 5 ms", late.getMessage());
                assertEquals(i == 3, late.isLast());
            }
        }
        interrupted.await();
        try {
            limit.run(() -> {
                throw new AssertionError("the task started");
            });
            fail("the task was not rejected");
        } catch (ExpressionException failure) {
            assertEquals("config: three expressions exceeded the time limit, so no more expressions are evaluated; simplify the expressions",
                failure.messageWithCode());
        }
    }

    @Test
    public void errors_of_the_virtual_machine_are_reported_as_failures() throws Exception {
        for (Error error : new Error[] {new StackOverflowError(), new OutOfMemoryError(), new LinkageError("x")}) {
            try {
                new TimeLimit(60_000).run(() -> {
                    throw error;
                });
                fail("the task was not rejected");
            } catch (ExpressionException failure) {
                assertFalse(failure.isLast());
            }
        }
    }

    @Test
    public void the_host_handles_parse_and_evaluate_without_a_plugin() throws Exception {
        try (HostClient host = HostClient.expressions()) {
            Args args = new Args().add("expression", "#givenName + ' ' + #sn").add("n", "givenName").add("n", "sn");
            assertTrue(host.call("parse", args).ok);
            args.add("v.givenName", "Jane & Joe").add("v.sn", "=ü");
            assertEquals(Collections.singletonList("Jane & Joe =ü"), host.call("evaluate", args).args.values("value"));
            HostClient.Response failed = host.call("evaluate", new Args().add("expression", "#a.length()").add("n", "a"));
            assertFalse(failed.ok);
            assertEquals("rejected: a required value is missing", failed.get("message"));
            assertEquals("false", failed.get("stop"));
            assertFalse(host.call("parse", new Args()).ok);
            assertEquals(0, host.end());
        }
    }

    private void assertValues(String expression, String... values) {
        try {
            assertEquals(expression, Arrays.asList(values), evaluate(expression));
        } catch (Exception failure) {
            throw new AssertionError(expression + ": " + failure, failure);
        }
    }

    private void assertRejected(String expression, String message) {
        try {
            fail(expression + " has the values " + evaluate(expression));
        } catch (ExpressionException failure) {
            assertTrue(expression + ": " + failure.getMessage(), failure.getMessage().contains(message));
            // The message contains no value of the user.
            assertFalse(expression + ": " + failure.getMessage(), failure.getMessage().contains("Doe"));
            assertTrue(expression, Text.isOneLine(failure.getMessage()));
            assertFalse(expression + ": " + failure.getMessage(), failure.getMessage().endsWith("internal error"));
        } catch (Exception failure) {
            throw new AssertionError(expression + ": " + failure, failure);
        }
    }

    /** Evaluates as the host does, with a long time limit. */
    private List<String> evaluate(String expression) throws Exception {
        return new TimeLimit(60_000)
            .run(() -> Sandbox.evaluate(CheckedExpression.parse(expression, attributes.keySet()), attributes));
    }

    private static String padToLimit(String expression) {
        return expression + String.join("", Collections.nCopies(CheckedExpression.CHARS_MAX - expression.length(), " "));
    }
}
