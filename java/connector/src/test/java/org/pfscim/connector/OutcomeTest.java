package org.pfscim.connector;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import com.pingidentity.provisioner.sdk.SaasPluginException;
import com.pingidentity.provisioner.sdk.SaasUserData;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import org.junit.After;
import org.junit.Before;
import org.junit.BeforeClass;
import org.junit.Test;
import org.sourceid.saml20.adapter.conf.Field;
import org.sourceid.saml20.adapter.conf.SimpleFieldList;

/**
 * How an operation that ended comes back to the host: value, log lines, exception. The target has one user or none;
 * what a target does with a user is for the tests with real servers.
 */
public class OutcomeTest {

    private static final String NOBODY = "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:ListResponse\"],"
        + "\"totalResults\":0,\"Resources\":[]}";
    private static final String USER = "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],\"id\":\"42\","
        + "\"userName\":\"jdoe\",\"active\":false,\"title\":\"\ud83d\ude00\"}";

    private HttpServer target;
    private volatile int postStatus = 201;
    private volatile String found = NOBODY;
    private volatile LogLines.Action onRequest = () -> { };
    private final ScimConnectorPlugin plugin = new ScimConnectorPlugin();

    @BeforeClass
    public static void library() throws Exception {
        TestLibrary.load();
    }

    @Before
    public void start() throws IOException {
        target = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        target.createContext("/", this::answer);
        target.start();
    }

    @After
    public void stop() throws Exception {
        plugin.closeSaasConnection();
        target.stop(0);
    }

    @Test
    public void a_create_returns_the_id_and_logs_its_outcome_once() throws Exception {
        settings("true");
        List<String> logged = LogLines.of(() -> assertEquals("42", plugin.createUser(user())));
        assertEquals(1, Collections.frequency(logged, "INFO outcome=created id=42"));
        assertEquals(logged.toString(), "INFO outcome=created id=42", logged.get(logged.size() - 1));
    }

    @Test
    public void a_skipped_create_returns_null_and_warns_before_its_outcome() throws Exception {
        settings("false");
        List<String> logged = LogLines.of(() -> assertNull(plugin.createUser(user())));
        int outcome = logged.size() - 1;
        assertTrue(logged.toString(), logged.get(outcome).startsWith("INFO outcome=skipped"));
        assertTrue(logged.toString(), logged.get(outcome - 1).matches("WARNING .*User Create.*"));
    }

    @Test
    public void a_refused_create_is_an_exception_with_its_code_and_the_cycle_goes_on() throws Exception {
        settings("true");
        postStatus = 400;
        List<String> logged = LogLines.of(() -> {
            SaasPluginException thrown = assertThrows(SaasPluginException.class, () -> plugin.createUser(user()));
            assertTrue(thrown.getMessage(), thrown.getMessage().startsWith("rejected: "));
            assertFalse(thrown.isStopSession());
        });
        assertFalse(logged.toString(), logged.stream().anyMatch(line -> line.contains("outcome=")));
    }

    @Test
    public void a_user_that_is_there_comes_back_as_a_record() throws Exception {
        settings("true");
        assertNull(plugin.getUser(null, "jdoe"));
        found = NOBODY.replace(":0", ":1").replace("[]", "[" + USER + "]");
        plugin.closeSaasConnection();
        SaasUserData user = plugin.getUser("", "jdoe");
        assertEquals("42", user.getSaasUserGuid());
        assertFalse(user.isAccountEnabled());
        assertEquals("jdoe", user.getAttributeFirstValue("userName"));
        assertEquals("\ud83d\ude00", user.getAttributeFirstValue("title"));
    }

    @Test
    public void closing_lets_a_running_call_finish() throws Exception {
        settings("true");
        CountDownLatch arrived = new CountDownLatch(1);
        CountDownLatch release = new CountDownLatch(1);
        onRequest = () -> {
            arrived.countDown();
            release.await();
        };
        FutureTask<String> call = new FutureTask<>(() -> plugin.createUser(user()));
        new Thread(call).start();
        arrived.await();
        plugin.closeSaasConnection();
        onRequest = () -> { };
        release.countDown();
        assertEquals("42", call.get());
    }

    private static SaasUserData user() {
        SaasUserData user = new SaasUserData(null);
        user.setAccountEnabled(true);
        user.addAttribute("userName", "jdoe");
        user.getAttributeMap().put("title", Collections.singletonList(null));
        user.getAttributeMap().put("nickName", null);
        return user;
    }

    private void settings(String create) {
        List<Field> fields = new ArrayList<>();
        fields.add(new Field("SCIM_URL", "http://127.0.0.1:" + target.getAddress().getPort() + "/v2"));
        fields.add(new Field("CREATE_USERS_PROV_OPT", create));
        plugin.setParameters(new SimpleFieldList(fields));
    }

    private void answer(HttpExchange exchange) throws IOException {
        try (InputStream body = exchange.getRequestBody()) {
            while (body.read() >= 0) {
                // A body that is left unread would break the connection.
            }
        }
        try {
            onRequest.run();
        } catch (Exception e) {
            throw new IOException(e);
        }
        boolean post = exchange.getRequestMethod().equals("POST");
        boolean one = exchange.getRequestURI().getPath().endsWith("/42");
        byte[] answer = (post ? USER.replace("false", "true") : one ? USER : found).getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().add("Content-Type", "application/scim+json");
        exchange.sendResponseHeaders(post ? postStatus : 200, answer.length);
        exchange.getResponseBody().write(answer);
        exchange.close();
    }
}
