package org.pfscim.host;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.util.Properties;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;
import org.pfscim.host.fake.FailingPlugin;
import org.pfscim.host.fake.FakePlugin;
import org.pfscim.host.fake.NonPublicPlugin;
import org.pfscim.host.fake.SecondPlugin;
import org.pfscim.host.fake.DuplicateIdPlugin;

/** Tests which deployments, arguments and modes start the host, and which are errors. */
public class DiscoveryTest {
    private static final String FAKE = FakePlugin.class.getName();

    @Rule
    public final TemporaryFolder folder = new TemporaryFolder();

    @Test
    public void a_listed_plugin_is_found_by_its_id() throws Exception {
        assertStarts(deployment().plugins(FAKE + "\n"), "--id", "Fake");
    }

    @Test
    public void a_descriptor_may_have_several_plugins_windows_line_ends_and_no_last_line_end() throws Exception {
        assertStarts(deployment().plugins(FAKE + "\r\n\r\n" + SecondPlugin.class.getName()), "--id", "Second");
    }

    @Test
    public void a_plugin_may_be_its_own_template() throws Exception {
        assertStarts(deployment().plugins(FAKE).templates(DuplicateIdPlugin.class.getName()), "--id", "Fake");
    }

    @Test
    public void a_jar_without_descriptor_is_an_error() throws Exception {
        assertFails("no jar on the class path lists a plugin in PF-INF/saas-provisioning-plugin-descriptor", deployment(),
            "--id", "Fake");
    }

    @Test
    public void an_unknown_id_is_an_error_that_lists_the_deployed_ids() throws Exception {
        assertFails("no deployed plugin has the id PfScim, only [Fake]; put", deployment().plugins(FAKE), "--id", "PfScim");
    }

    @Test
    public void a_missing_class_is_an_error() throws Exception {
        assertFails("the class com.example.Nothing cannot be instantiated", deployment().plugins("com.example.Nothing"),
            "--id", "Fake");
    }

    @Test
    public void a_constructor_that_fails_is_an_error_with_its_reason() throws Exception {
        assertFails("FailingPlugin cannot be instantiated as a AbstractSaasPlugin: java.lang.IllegalStateException: "
            + "no\\u000alibrary", deployment().plugins(FailingPlugin.class.getName()), "--id", "Fake");
    }

    @Test
    public void a_constructor_that_is_not_public_is_an_error() throws Exception {
        assertFails("NonPublicPlugin cannot be instantiated", deployment().plugins(NonPublicPlugin.class.getName()), "--id",
            "Fake");
    }

    @Test
    public void a_class_that_is_not_a_plugin_is_an_error() throws Exception {
        assertFails("java.lang.String cannot be instantiated as a AbstractSaasPlugin",
            deployment().plugins("java.lang.String"), "--id", "Fake");
    }

    @Test
    public void a_class_that_is_not_a_template_is_an_error() throws Exception {
        assertFails("java.lang.String cannot be instantiated as a ConnectionTemplate",
            deployment().plugins(FAKE).templates("java.lang.String"), "--id", "Fake");
    }

    @Test
    public void two_plugins_with_the_same_id_are_an_error() throws Exception {
        assertFails("two plugins have the id Fake",
            deployment().plugins(FAKE + "\n" + DuplicateIdPlugin.class.getName()), "--id", "Fake");
    }

    @Test
    public void unknown_arguments_are_an_error() throws Exception {
        Deployment deployment = deployment().plugins(FAKE);
        assertFails("usage:", deployment);
        assertFails("usage:", deployment, "--id");
        assertFails("usage:", deployment, "--id", "Fake", "--colour", "red");
        assertFails("--threads must be a whole number from 1 on, not 0", deployment, "--id", "Fake", "--threads", "0");
        assertFails("--threads must be a whole number from 1 on, not x", deployment, "--id", "Fake", "--threads", "x");
    }

    @Test
    public void unknown_modes_are_an_error() throws Exception {
        Properties unknown = new Properties();
        unknown.setProperty("org.pfscim.host.removals", "update");
        assertFails(unknown, "unknown mode org.pfscim.host.removals; use one of [", deployment().plugins(FAKE), "--id",
            "Fake");
        Properties wrong = new Properties();
        wrong.setProperty("org.pfscim.host.removal", "delete");
        assertFails(wrong, "the mode org.pfscim.host.removal must be one of [deprovision, update], not delete",
            deployment().plugins(FAKE), "--id", "Fake");
    }

    private Deployment deployment() {
        return new Deployment(folder.getRoot().toPath());
    }

    private static void assertStarts(Deployment deployment, String... args) throws Exception {
        ByteArrayOutputStream errors = new ByteArrayOutputStream();
        assertEquals(errors.toString("UTF-8"), 0, run(new Properties(), deployment, errors, args));
        assertEquals("", errors.toString("UTF-8"));
    }

    private static void assertFails(String message, Deployment deployment, String... args) throws Exception {
        assertFails(new Properties(), message, deployment, args);
    }

    private static void assertFails(Properties modes, String message, Deployment deployment, String... args)
        throws Exception {
        ByteArrayOutputStream errors = new ByteArrayOutputStream();
        assertEquals(2, run(modes, deployment, errors, args));
        String output = errors.toString("UTF-8");
        assertTrue(output, output.contains(message));
        assertEquals(output, 1, output.split("\n").length);
    }

    private static int run(Properties modes, Deployment deployment, ByteArrayOutputStream errors, String... args)
        throws Exception {
        PrintStream ignored = new PrintStream(new ByteArrayOutputStream(), true, "UTF-8");
        return new Main(modes, deployment.loader()).run(args, new ByteArrayInputStream(new byte[0]), ignored,
            new PrintStream(errors, true, "UTF-8"));
    }
}
