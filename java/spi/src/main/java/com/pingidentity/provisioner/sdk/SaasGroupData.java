package com.pingidentity.provisioner.sdk;

import java.util.Iterator;

/**
 * A group that is passed to or from a connector. Its iterators run once. They and their elements may be null.
 * Not serializable.
 */
public class SaasGroupData {
    private final String name;
    private String description;
    private String guid;
    private String internalGuid;
    private Iterator<SaasUserData> members;
    private Iterator<SaasGroupData> subGroups;

    /** The two parameters are not documented. Here they are the name, which has no setter, and the description. */
    public SaasGroupData(String name, String description) {
        this.name = name;
        this.description = description;
    }

    public String getName() {
        return name;
    }

    public String getDescription() {
        return description;
    }

    public void setDescription(String description) {
        this.description = description;
    }

    /** Returns the target id of the group. */
    public String getGuid() {
        return guid;
    }

    public void setGuid(String guid) {
        this.guid = guid;
    }

    public boolean hasGuid() {
        return guid != null && !guid.isEmpty();
    }

    /** Returns the id of the group in the source directory. */
    public String getInternalGuid() {
        return internalGuid;
    }

    public void setInternalGuid(String guid) {
        internalGuid = guid;
    }

    public Iterator<SaasUserData> getMembersIterator() {
        return members;
    }

    public void setMembersIterator(Iterator<SaasUserData> members) {
        this.members = members;
    }

    public Iterator<SaasGroupData> getSubGroupMembersIterator() {
        return subGroups;
    }

    public void setSubGroupsIterator(Iterator<SaasGroupData> subGroups) {
        this.subGroups = subGroups;
    }
}
