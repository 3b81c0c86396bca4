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

/** What expressions of attribute mappings can do, and what they cannot. */
public class ExpressionsTest {
    private static final String PROPERTY = "org.pfscim.host.test.reached";

    @Rule
    public final TemporaryFolder folder = new TemporaryFolder();

    private final Map<String, List<String>> jane = new LinkedHashMap<>();

    public ExpressionsTest() {
        jane.put("givenName", Collections.singletonList("Jane"));
        jane.put("sn", Collections.singletonList("Doe"));
        jane.put("mail", Arrays.asList("jane@example.com", "j.doe@example.com"));
        jane.put("number", Collections.singletonList("41"));
        jane.put("middle", Collections.emptyList());
    }

    @Test
    public void attributes_literals_and_operators_make_values() {
        gives("#givenName + ' ' + #sn", "Jane Doe");
        gives("#sn + \", \" + #givenName", "Doe, Jane");
        gives("#middle == null ? #givenName : #middle", "Jane");
        gives("#middle != null && #middle.length() > 1 || #sn == \"Doe\"", "true");
        gives("#sn in {\"Doe\", \"Roe\"} ? 'staff' : 'guest'", "staff");
        gives("#sn not in {\"Doe\", \"Roe\"}", "false");
        gives("#number * 1 + 1", "42.0");
        gives("(7 - 1) / 2 % 2", "1");
        gives("-3 < 2 && 2 <= 2 && 3 > 2 && 3 >= 3 && !false", "true");
        gives("'constant'", "constant");
        gives("'x'", "x");
        gives("\"\\u0041\"", "A");
    }

    @Test
    public void several_values_are_a_list_and_none_is_null() {
        gives("#mail", "jane@example.com", "j.doe@example.com");
        gives("#mail[1]", "j.doe@example.com");
        gives("#sn[0]", "Doe");
        gives("#mail.get(0) + #mail.size()", "jane@example.com2");
        gives("{#givenName, #sn, null}", "Jane", "Doe");
        gives("#mail.contains(\"nobody@example.com\") || #mail.isEmpty()", "false");
        gives("#middle");
    }

    @Test
    public void methods_of_texts_numbers_and_lists() {
        gives("#givenName.toLowerCase().concat('.').concat(#sn.toUpperCase())", "jane.DOE");
        gives("#mail[0].substring(0, #mail[0].indexOf('@'))", "jane");
        gives("#mail[0].substring(5).replace('.', '-')", "example-com");
        gives("' x '.trim().equals('x') && \"ab\".startsWith('a') && \"ab\".endsWith('b') && \"ab\".contains(\"b\")", "true");
        gives("\"aba\".lastIndexOf('a') + \"ab\".compareTo(\"ab\")", "2");
        gives("#sn.charAt(0)", "D");
        gives("\"a\".replace('', '-')", "-a-");
        gives("4.5.intValue().toString()", "4");
    }

    @Test
    public void what_fails_for_a_user_is_told_without_that_users_values() {
        refused("#middle.length()", "a value that it needs is missing");
        refused("#sn * 2", "no number");
        refused("#sn == 'D'", "double quotes");
        refused("#sn.substring(99)", "position");
        refused("#mail[2]", "position");
        refused("1 / 0", "divides by zero");
        refused("#sn.concat(#middle)", "missing");
        refused("#sn.concat(1)", "takes a text");
        refused("{{#sn}}", "comes to something");
        refused("#sn.trim(1)", "not with as many arguments");
    }

    @Test
    public void what_is_no_ognl_is_told() {
        for (String expression : new String[] {"", " ", "#givenName +", "'open", "#", "(((", "\u0000"}) {
            refused(expression, "no OGNL");
        }
    }

    @Test
    public void only_the_attributes_of_the_mapping_are_variables() {
        refused("#title", "#title is not an attribute of this mapping; there are givenName, sn, mail, number, middle");
        refused("#_memberAccess", "#_memberAccess is not allowed");
        refused("#context", "#context is not allowed");
        jane.put("context", Collections.singletonList("x"));
        jane.put("_classResolver", Collections.singletonList("x"));
        refused("#context", "#context is not allowed");
        refused("#_classResolver", "#_classResolver is not allowed");
        refused("givenName", "attributes are written #name");
        gives("#sn", "Doe");
    }

    /** Published attacks on programs that evaluate OGNL, and variations. */
    @Test
    public void attacks_are_refused_and_do_nothing() throws Exception {
        File made = new File(folder.getRoot(), "made");
        String run = "@java.lang.Runtime@getRuntime().exec('touch " + made + "')";
        String set = "@java.lang.System@setProperty('" + PROPERTY + "','x')";
        String[] attacks = {
            run, set, "(" + run + ")", "#sn + " + set, "#sn == null ? 'a' : " + set, "{" + set + "}", "#sn.concat(" + set + ")",
            "@java.lang.Math@PI", "@@max(1,2)", "@java.lang.Runtime@class", "@java.lang.Class@forName('java.lang.Runtime')",
            // Classes from a value.
            "''.getClass().forName('java.lang.Runtime').getMethod('getRuntime',null).invoke(null,null)",
            "#sn.getClass()", "#sn.class", "#sn['class']", "'a'.class.module", "#mail.getClass().getClassLoader()",
            "{1}.getClass()", "1.getClass()", "#sn[\"bytes\"]", "true.getClass()", "#mail.class", "#mail[class]",
            // Constructors.
            "new java.lang.ProcessBuilder({'id'}).start()", "new java.io.File('" + made + "').createNewFile()",
            "new int[]{1}", "new int[2000000000]", "new java.util.HashMap()",
            // Struts S2-045, S2-057 and their kin.
            "(#_='multipart/form-data').(#dm=@ognl.OgnlContext@DEFAULT_MEMBER_ACCESS).(#_memberAccess?(#_memberAccess=#dm):"
                + "((#container=#context['com.opensymphony.xwork2.ActionContext.container'])))",
            "(#dm=@ognl.OgnlContext@DEFAULT_MEMBER_ACCESS).(#ct=#request['struts.valueStack'].context)",
            "#context['xwork.MethodAccessor.denyMethodExecution']=false", "#context['com.opensymphony.xwork2']",
            "#_memberAccess['allowStaticMethodAccess']=true", "#_memberAccess.excludedClasses.clear()",
            "#root", "#this", "#root.getClass()", "#this.class", "#context.memberAccess", "#_ognl_context",
            "#_traceEvaluations", "#_lastEvaluation", "#_keepLastEvaluation", "#_ignoreReadMethods",
            // Names of OGNL written with escapes.
            "\\u0040java.lang.System\\u0040setProperty('" + PROPERTY + "','x')", "\\u0023context", "#c\\u006fntext",
            "#\\u005fmemberAccess", "#sn.get\\u0043lass()", "#sn.g\\u0065tClass()", "\\u0023\\u0072oot",
            // Assignments, lambdas, evaluations, projections, selections, maps, sequences.
            "#sn = 'x'", "#a=1", "(#a=1).(#a)", "#sn.x = 1", "#f = :[#this + 1], #f(1)", ":[#this]", ":[33](1)",
            "#sn(1)", "('@java.lang.Runtime@getRuntime()')(1)", "(#sn)(#sn)", "\"#sn\"(null)", "#mail.{#this}",
            "#mail.{? true}", "#mail.{^ true}", "#mail.{$ true}", "#{'a':'b'}", "#@java.util.LinkedHashMap@{'a':'b'}",
            "#sn, #sn", "#sn instanceof java.lang.String", "1 instanceof java.lang.Integer", "#mail[^]", "#mail[*]", "#mail[|]",
            // Methods that are none of the list, or have no value before them.
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
            refused(attack, "");
        }
        assertFalse(made.exists());
        assertEquals(null, System.getProperty(PROPERTY));
        gives("#sn", "Doe");
    }

    @Test
    public void long_deep_and_growing_expressions_are_refused() throws Exception {
        gives(longest("'a'"), "a");
        refused(longest("'a'") + " ", "longer than 4096");
        String open = String.join("", Collections.nCopies(2000, "("));
        gives(open + "1" + open.replace('(', ')'), "1");
        refused(open + open, "no OGNL");
        refused(String.join("", Collections.nCopies(2000, "!")) + "true", "nested");
        refused(String.join("", Collections.nCopies(300, "true ? 1 : ")) + "2", "nested");
        refused(String.join("", Collections.nCopies(1000, "{")) + String.join("", Collections.nCopies(1000, "}")), "nested");
        refused("#sn" + String.join("", Collections.nCopies(60, ".replace('', #mail[0])")), "longer than 65536");
        refused("'a'" + String.join("", Collections.nCopies(60, ".replace('a', \"aaaaaaaa\")")), "longer than 65536");
        jane.put("long", Collections.singletonList(new String(new char[30000]).replace('\0', 'x')));
        gives("#long.length()", "30000");
        refused("#long + #long + #long", "longer than 65536");
        refused("{#long, #long, #long}", "longer than 65536");
        refused("#long.concat(#long).concat(#long).length()", "longer than 65536");
        jane.put("longer", Collections.singletonList(new String(new char[3000])));
        refused("#sn", "more than 32768");
    }

    @Test
    public void work_that_takes_too_long_is_left_and_after_the_third_nothing_is_begun() throws Exception {
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
                fail("it came to an end");
            } catch (Refusal late) {
                assertEquals("it took more than 5 ms", late.getMessage());
                assertEquals(i == 3, late.isLast());
            }
        }
        interrupted.await();
        try {
            limit.run(() -> {
                throw new AssertionError("it was begun");
            });
            fail("it was not refused");
        } catch (Refusal refusal) {
            assertEquals("config: three expressions took too long; no more are evaluated", refusal.coded());
        }
    }

    @Test
    public void errors_of_the_virtual_machine_are_refusals() throws Exception {
        for (Error error : new Error[] {new StackOverflowError(), new OutOfMemoryError(), new LinkageError("x")}) {
            try {
                new TimeLimit(60_000).run(() -> {
                    throw error;
                });
                fail("it was not refused");
            } catch (Refusal refusal) {
                assertFalse(refusal.isLast());
            }
        }
    }

    @Test
    public void the_host_answers_parse_and_evaluate_without_any_plugin() throws Exception {
        try (Conversation host = Conversation.expressions()) {
            Args args = new Args().add("expression", "#givenName + ' ' + #sn").add("n", "givenName").add("n", "sn");
            assertTrue(host.ask("parse", args).ok);
            args.add("v.givenName", "Jane & Joe").add("v.sn", "=ü");
            assertEquals(Collections.singletonList("Jane & Joe =ü"), host.ask("evaluate", args).args.all("value"));
            Conversation.Answer failed = host.ask("evaluate", new Args().add("expression", "#a.length()").add("n", "a"));
            assertFalse(failed.ok);
            assertEquals("rejected: a value that it needs is missing", failed.get("message"));
            assertEquals("false", failed.get("stop"));
            assertFalse(host.ask("parse", new Args()).ok);
            assertEquals(0, host.end());
        }
    }

    private void gives(String expression, String... values) {
        try {
            assertEquals(expression, Arrays.asList(values), evaluate(expression));
        } catch (Exception failure) {
            throw new AssertionError(expression + ": " + failure, failure);
        }
    }

    private void refused(String expression, String message) {
        try {
            fail(expression + " came to " + evaluate(expression));
        } catch (Refusal refusal) {
            assertTrue(expression + ": " + refusal.getMessage(), refusal.getMessage().contains(message));
            // A refusal names no value.
            assertFalse(expression + ": " + refusal.getMessage(), refusal.getMessage().contains("Doe"));
            assertTrue(expression, Text.isOneLine(refusal.getMessage()));
            assertFalse(expression + ": " + refusal.getMessage(), refusal.getMessage().endsWith("Error)"));
        } catch (Exception failure) {
            throw new AssertionError(expression + ": " + failure, failure);
        }
    }

    /** On a thread like the host's, without its haste. */
    private List<String> evaluate(String expression) throws Exception {
        return new TimeLimit(60_000)
            .run(() -> Sandbox.evaluate(CheckedExpression.read(expression, jane.keySet()), jane));
    }

    private static String longest(String expression) {
        return expression + String.join("", Collections.nCopies(CheckedExpression.MAX_LENGTH - expression.length(), " "));
    }
}
