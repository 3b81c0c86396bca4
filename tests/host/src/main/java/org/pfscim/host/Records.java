package org.pfscim.host;

import com.pingidentity.provisioner.sdk.SaasGroupData;
import com.pingidentity.provisioner.sdk.SaasUserData;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;

/** Users and groups between their lines and the classes of the SPI. */
final class Records {
    private static final String VALUE = "a.";

    /** The width of the columns in which the server keeps the ids of a target. */
    private static final int MAX_ID = 255;

    private Records() {
    }

    /** {@code id}, {@code enabled}, {@code a.CODE}..., {@code m}... */
    static SaasUserData user(Args args) {
        SaasUserData user = new SaasUserData(args.get("id"));
        user.setAccountEnabled(args.flag("enabled", true));
        args.below(VALUE).forEach(user::addAttribute);
        user.setMaskedFields(new HashSet<>(args.all("m")));
        return user;
    }

    /** A user that was read; null is one that was not found. */
    static Args found(SaasUserData user) {
        Args args = new Args().add("found", user != null);
        if (user != null) {
            if (user.getSaasUserGuid() == null) {
                throw new Violation("a user was found, but it has no id");
            }
            args.add("id", id(user.getSaasUserGuid())).add("enabled", user.isAccountEnabled());
            user.getAttributeMap().forEach((code, values) -> values.forEach(v -> args.add(VALUE + code, v)));
            user.getMaskedFields().forEach(code -> args.add("m", code));
        }
        return args;
    }

    /**
     * The user as the server has it of an account that it read: the fields that are mapped, and none of the others.
     *
     * @param read what the plugin returned last, null where it was never asked
     */
    static SaasUserData existing(SaasUserData read, SaasUserData updated, boolean idOnly) {
        SaasUserData existing = new SaasUserData(updated.getSaasUserGuid());
        if (read != null && !idOnly) {
            existing.setAccountEnabled(read.isAccountEnabled());
            for (Map.Entry<String, List<String>> field : read.getAttributeMap().entrySet()) {
                if (updated.getAttributeMap().containsKey(field.getKey())) {
                    existing.addAttribute(field.getKey(), field.getValue());
                }
            }
        }
        return existing;
    }

    /**
     * {@code name}, {@code guid}, {@code id}, {@code members=null|list}, {@code u}..., {@code g}... A member with an
     * empty id is one that the target does not have yet. The iterators run once.
     */
    static SaasGroupData group(Args args) {
        SaasGroupData group = new SaasGroupData(args.get("name"), null);
        group.setGuid(args.get("guid"));
        group.setInternalGuid(args.get("id"));
        if ("list".equals(args.get("members"))) {
            List<SaasUserData> users = new ArrayList<>();
            args.all("u").forEach(id -> users.add(new SaasUserData(nullIfEmpty(id))));
            group.setMembersIterator(users.iterator());
            List<SaasGroupData> groups = new ArrayList<>();
            for (String id : args.all("g")) {
                SaasGroupData nested = new SaasGroupData(null, null);
                nested.setGuid(nullIfEmpty(id));
                groups.add(nested);
            }
            group.setSubGroupsIterator(groups.iterator());
        }
        return group;
    }

    /** An id as the server stores it; null is none. */
    static String id(String id) {
        if (id != null && (id.isEmpty() || id.length() > MAX_ID)) {
            throw new Violation("an id of " + id.length() + " characters cannot be stored: it may have 1 to " + MAX_ID);
        }
        return id;
    }

    private static String nullIfEmpty(String text) {
        return text.isEmpty() ? null : text;
    }
}
