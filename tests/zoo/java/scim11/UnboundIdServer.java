import com.unboundid.scim.data.BaseResource;
import com.unboundid.scim.data.Meta;
import com.unboundid.scim.schema.CoreSchema;
import com.unboundid.scim.schema.ResourceDescriptor;
import com.unboundid.scim.sdk.DeleteResourceRequest;
import com.unboundid.scim.sdk.Diff;
import com.unboundid.scim.sdk.GetResourceRequest;
import com.unboundid.scim.sdk.GetResourcesRequest;
import com.unboundid.scim.sdk.PageParameters;
import com.unboundid.scim.sdk.PatchResourceRequest;
import com.unboundid.scim.sdk.PostResourceRequest;
import com.unboundid.scim.sdk.PutResourceRequest;
import com.unboundid.scim.sdk.ResourceConflictException;
import com.unboundid.scim.sdk.ResourceNotFoundException;
import com.unboundid.scim.sdk.Resources;
import com.unboundid.scim.sdk.SCIMBackend;
import com.unboundid.scim.sdk.SCIMException;
import com.unboundid.scim.sdk.SCIMObject;
import com.unboundid.scim.sdk.SCIMRequest;
import com.unboundid.scim.wink.SCIMApplication;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.Principal;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import javax.ws.rs.container.ContainerRequestContext;
import javax.ws.rs.container.ContainerRequestFilter;
import javax.ws.rs.container.PreMatching;
import javax.ws.rs.core.SecurityContext;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.servlet.ServletContextHandler;
import org.eclipse.jetty.servlet.ServletHolder;
import org.glassfish.jersey.servlet.ServletContainer;
import org.json.JSONObject;

/**
 * Runs the server side of UnboundID's SCIM SDK (SCIM 1.1) on Jersey and Jetty, with users and groups in memory.
 *
 * <p>The SDK implements SCIM: paths, schemas, filters, partial resources, errors. This class has only the store, the one
 * account that may authenticate, and HTTP.
 */
public final class UnboundIdServer {
    private UnboundIdServer() {}

    /** Reads the settings (`user`, `password`) as one JSON line, prints the port, ends when standard input closes. */
    public static void main(String[] arguments) throws Exception {
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        JSONObject settings = new JSONObject(input.readLine());
        SCIMApplication application = new SCIMApplication(new Store(), null);
        application.register(new BasicAccount(settings.getString("user"), settings.getString("password")));

        Server server = new Server();
        ServerConnector connector = new ServerConnector(server);
        connector.setHost("127.0.0.1");
        server.addConnector(connector);
        ServletContextHandler context = new ServletContextHandler();
        context.addServlet(new ServletHolder(new ServletContainer(application)), "/scim/v1/*");
        server.setHandler(context);
        server.start();
        System.out.println(connector.getLocalPort());

        while (input.readLine() != null) {
            // Further lines are ignored.
        }
        System.exit(0);
    }

    /** Sets the account's name if a request has its HTTP Basic credentials. The SDK rejects requests without a name. */
    @PreMatching
    private static final class BasicAccount implements ContainerRequestFilter {
        private final String user;
        private final String expected;

        BasicAccount(String user, String password) {
            this.user = user;
            byte[] pair = (user + ":" + password).getBytes(StandardCharsets.UTF_8);
            expected = "Basic " + Base64.getEncoder().encodeToString(pair);
        }

        @Override
        public void filter(ContainerRequestContext request) {
            if (!expected.equals(request.getHeaderString("Authorization"))) {
                return;
            }
            request.setSecurityContext(new SecurityContext() {
                @Override
                public Principal getUserPrincipal() {
                    return () -> user;
                }

                @Override
                public boolean isUserInRole(String role) {
                    return false;
                }

                @Override
                public boolean isSecure() {
                    return false;
                }

                @Override
                public String getAuthenticationScheme() {
                    return BASIC_AUTH;
                }
            });
        }
    }

    /** Resources by id, in the order of creation. A name must be unique in its type, without regard to case. */
    private static final class Store extends SCIMBackend {
        private final Map<ResourceDescriptor, Map<String, SCIMObject>> types = new LinkedHashMap<>();

        Store() {
            types.put(CoreSchema.USER_DESCRIPTOR, new LinkedHashMap<>());
            types.put(CoreSchema.GROUP_DESCRIPTOR, new LinkedHashMap<>());
            getConfig().setMaxResults(1000);
        }

        @Override
        public Collection<ResourceDescriptor> getResourceDescriptors() {
            return types.keySet();
        }

        @Override
        public void finalizeBackend() {
            types.clear();
        }

        @Override
        public synchronized BaseResource getResource(GetResourceRequest request) throws SCIMException {
            SCIMObject found = existing(request, request.getResourceID());
            return new BaseResource(request.getResourceDescriptor(), request.getAttributes().pareObject(found));
        }

        @Override
        public synchronized Resources<BaseResource> getResources(GetResourcesRequest request) {
            List<BaseResource> matching = new ArrayList<>();
            for (SCIMObject each : resources(request).values()) {
                if (request.getFilter() == null || each.matchesFilter(request.getFilter())) {
                    SCIMObject pared = request.getAttributes().pareObject(each);
                    matching.add(new BaseResource(request.getResourceDescriptor(), pared));
                }
            }
            int total = matching.size();
            PageParameters page = request.getPageParameters();
            int start = page == null ? 1 : Math.max(1, page.getStartIndex());
            int count = page == null || page.getCount() <= 0 ? getConfig().getMaxResults() : page.getCount();
            int from = Math.min(total, start - 1);
            return new Resources<>(matching.subList(from, Math.min(total, from + count)), total, start);
        }

        @Override
        public synchronized BaseResource postResource(PostResourceRequest request) throws SCIMException {
            SCIMObject object = new SCIMObject(request.getResourceObject());
            return store(request, UUID.randomUUID().toString(), object, new Date());
        }

        @Override
        public synchronized BaseResource putResource(PutResourceRequest request) throws SCIMException {
            SCIMObject before = existing(request, request.getResourceID());
            SCIMObject object = new SCIMObject(request.getResourceObject());
            return store(request, request.getResourceID(), object, created(request, before));
        }

        @Override
        public synchronized BaseResource patchResource(PatchResourceRequest request) throws SCIMException {
            SCIMObject before = existing(request, request.getResourceID());
            ResourceDescriptor descriptor = request.getResourceDescriptor();
            BaseResource partial = new BaseResource(descriptor, request.getResourceObject());
            BaseResource changed = Diff.fromPartialResource(partial, false)
                .apply(new BaseResource(descriptor, new SCIMObject(before)), BaseResource.BASE_RESOURCE_FACTORY);
            return store(request, request.getResourceID(), changed.getScimObject(), created(request, before));
        }

        @Override
        public synchronized void deleteResource(DeleteResourceRequest request) throws SCIMException {
            existing(request, request.getResourceID());
            resources(request).remove(request.getResourceID());
        }

        private Map<String, SCIMObject> resources(SCIMRequest request) {
            return types.get(request.getResourceDescriptor());
        }

        private SCIMObject existing(SCIMRequest request, String id) throws SCIMException {
            SCIMObject found = resources(request).get(id);
            if (found == null) {
                String type = request.getResourceDescriptor().getName();
                throw new ResourceNotFoundException("no " + type + " has the id " + id);
            }
            return found;
        }

        private static Date created(SCIMRequest request, SCIMObject object) {
            return new BaseResource(request.getResourceDescriptor(), object).getMeta().getCreated();
        }

        private BaseResource store(SCIMRequest request, String id, SCIMObject object, Date created)
            throws SCIMException {
            ResourceDescriptor descriptor = request.getResourceDescriptor();
            rejectDuplicateName(request, object, id);
            // The SDK returns every stored attribute, so the store removes the password, which must not be readable.
            object.removeAttribute(descriptor.getSchema(), "password");
            BaseResource resource = new BaseResource(descriptor, object);
            resource.setId(id);
            URI location = URI.create(request.getBaseURL() + descriptor.getEndpoint() + "/" + id);
            resource.setMeta(new Meta(created, new Date(), location, null));
            resources(request).put(id, object);
            return resource;
        }

        private void rejectDuplicateName(SCIMRequest request, SCIMObject object, String id) throws SCIMException {
            boolean user = request.getResourceDescriptor() == CoreSchema.USER_DESCRIPTOR;
            String attribute = user ? "userName" : "displayName";
            String requested = name(object, attribute);
            for (Map.Entry<String, SCIMObject> each : resources(request).entrySet()) {
                if (!each.getKey().equals(id) && name(each.getValue(), attribute).equalsIgnoreCase(requested)) {
                    throw new ResourceConflictException("another resource has this " + attribute);
                }
            }
        }

        private static String name(SCIMObject object, String attribute) {
            String schema = CoreSchema.USER_DESCRIPTOR.getSchema();
            return object.hasAttribute(schema, attribute)
                ? object.getAttribute(schema, attribute).getValue().getStringValue() : "";
        }
    }
}
